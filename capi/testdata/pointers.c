/*
 * pointers: every pointer parameter of every call, with every kind of bad pointer. It
 * prints one line for each parameter: what each kind gives.
 *
 *   pointers [early | late | chain]
 *
 * early: the program takes SIGSEGV for itself before its first call; late: behind it,
 * and says so to the library; chain: its handler calls the one before it.
 */
#define _GNU_SOURCE
#include <lpc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST 4096
#define MESSAGE 0x30 /* with 8 bytes of data */

enum { NUL, ODD, GONE, READONLY, SPLIT, BODY, WRAP, KERNEL, KINDS };
static const char *const kinds[KINDS] = {"null", "odd", "gone", "readonly", "split", "body", "wrap", "kernel"};

static char *pages; /* readable and writable, then nothing */
static char *readonly, *gone;

/* place gives a pointer of a kind to what stands at valid. */
static void *place(int kind, const void *valid, size_t size)
{
	static char odd[MOST + 1] __attribute__((aligned(16)));
	char *at;

	switch (kind) {
	case NUL:
		return NULL;
	case ODD:
		memcpy(odd + 1, valid, size);
		return odd + 1;
	case GONE:
		return gone;
	case READONLY:
		mprotect(readonly, MOST, PROT_READ | PROT_WRITE);
		memcpy(readonly, valid, size);
		mprotect(readonly, MOST, PROT_READ);
		return readonly;
	case SPLIT: /* the first half is there */
		at = pages + MOST - (size / 2 + 3) / 4 * 4;
		memcpy(at, valid, (size_t)(pages + MOST - at));
		return at;
	case BODY: /* a message's header is there, its data is not */
		at = pages + MOST - sizeof(PORT_MESSAGE);
		memcpy(at, valid, sizeof(PORT_MESSAGE));
		return at;
	case WRAP:
		return (void *)(intptr_t)-8;
	default:
		return (void *)0xffff800000000000;
	}
}

/* What the parameters name where they are good. */
static HANDLE handle, nobody = (HANDLE)0x4444;
static WCHAR *text = (WCHAR *)u"no backslash";
static UNICODE_STRING name, unknown;
static OBJECT_ATTRIBUTES oa;
static SECURITY_QUALITY_OF_SERVICE qos = {sizeof(qos), SecurityImpersonation, SECURITY_STATIC_TRACKING, TRUE};
static PORT_VIEW pv = {.Length = sizeof(pv)};
static REMOTE_PORT_VIEW rv = {.Length = sizeof(rv)};
static struct { SID sid; ULONG more; } user = {{1, 2, {{0, 0, 0, 0, 0, 22}}, {1}}, 12345};
static PORT_MESSAGE_BUFFER msg = {.h = {.DataLength = 8, .TotalLength = sizeof(PORT_MESSAGE) + 8, .MessageId = 1}};
static struct { ACL acl; ACCESS_ALLOWED_ACE ace; UCHAR authority[4]; ULONG sub; } list; /* the SID begins in the entry */
static SECURITY_DESCRIPTOR absolute = {1, 0, SE_DACL_PRESENT, NULL, NULL, NULL, NULL};
static struct { SECURITY_DESCRIPTOR_RELATIVE d; ACL acl; } relative = {{1, 0, SE_DACL_PRESENT | SE_SELF_RELATIVE, 0, 0, 0, 20}, {2, 0, 8, 0, 0}};
static ULONG number = 8;
static LARGE_INTEGER time0;
static SIZE_T size8 = 0;
static PVOID base;
static char bytes[64];

static NTSTATUS create(POBJECT_ATTRIBUTES a)
{
	return NtCreatePort(&handle, a, 0, 0, 0);
}

static OBJECT_ATTRIBUTES with(PUNICODE_STRING n, PVOID descriptor)
{
	OBJECT_ATTRIBUTES a;

	InitializeObjectAttributes(&a, n, OBJ_CASE_INSENSITIVE, NULL, descriptor);
	return a;
}

/* described makes a port with a descriptor. The name is no name, which comes last. */
static NTSTATUS described(PVOID descriptor)
{
	OBJECT_ATTRIBUTES a = with(&name, descriptor);

	return create(&a);
}

#define CALL(id, expr) \
	static NTSTATUS id(void *p) { return expr; }

CALL(create_handle, NtCreatePort(p, &oa, 0, 0, 0))
CALL(create_oa, create(p))
CALL(create_limit, NtCreatePort(&handle, p, 0, 0x159, 0))
CALL(waitable_handle, NtCreateWaitablePort(p, &oa, 0, 0, 0))
static NTSTATUS create_name(void *p) { OBJECT_ATTRIBUTES a = with(p, NULL); return create(&a); }
static NTSTATUS create_text(void *p) { UNICODE_STRING u = {name.Length, name.Length, p}; OBJECT_ATTRIBUTES a = with(&u, NULL); return create(&a); }
CALL(create_sd, described(p))
static NTSTATUS limit_sd(void *p) { OBJECT_ATTRIBUTES a = with(&name, p); return NtCreatePort(&handle, &a, 0x105, 0, 0); }
static NTSTATUS create_owner(void *p) { SECURITY_DESCRIPTOR d = absolute; d.Owner = p; return described(&d); }
static NTSTATUS create_group(void *p) { SECURITY_DESCRIPTOR d = absolute; d.Group = p; return described(&d); }
static NTSTATUS create_dacl(void *p) { SECURITY_DESCRIPTOR d = absolute; d.Dacl = p; return described(&d); }
CALL(connect_handle, NtConnectPort(p, &unknown, &qos, NULL, NULL, NULL, NULL, NULL))
CALL(connect_name, NtConnectPort(&handle, p, &qos, NULL, NULL, NULL, NULL, NULL))
static NTSTATUS connect_text(void *p) { UNICODE_STRING u = {unknown.Length, unknown.Length, p}; return NtConnectPort(&handle, &u, &qos, NULL, NULL, NULL, NULL, NULL); }
CALL(connect_qos, NtConnectPort(&handle, &unknown, p, NULL, NULL, NULL, NULL, NULL))
CALL(connect_qos_view, (pv.Length = 1, NtConnectPort(&handle, &unknown, p, &pv, NULL, NULL, NULL, NULL)))
CALL(connect_view, NtConnectPort(&handle, &unknown, &qos, p, NULL, NULL, NULL, NULL))
CALL(connect_remote, NtConnectPort(&handle, &unknown, &qos, NULL, p, NULL, NULL, NULL))
CALL(connect_most, NtConnectPort(&handle, &unknown, &qos, NULL, NULL, p, NULL, NULL))
CALL(connect_info, NtConnectPort(&handle, &unknown, &qos, NULL, NULL, NULL, p, &number))
CALL(connect_length, NtConnectPort(&handle, &unknown, &qos, NULL, NULL, NULL, bytes, p))
CALL(connect_sid, NtSecureConnectPort(&handle, &unknown, &qos, NULL, p, NULL, NULL, NULL, NULL))
CALL(listen_request, NtListenPort(nobody, p))
CALL(accept_handle, NtAcceptConnectPort(p, NULL, &msg.h, TRUE, NULL, NULL))
CALL(refuse_handle, NtAcceptConnectPort(p, NULL, &msg.h, FALSE, NULL, NULL))
CALL(accept_request, NtAcceptConnectPort(&handle, NULL, p, TRUE, NULL, NULL))
CALL(accept_view, NtAcceptConnectPort(&handle, NULL, &msg.h, TRUE, p, NULL))
CALL(accept_remote, NtAcceptConnectPort(&handle, NULL, &msg.h, TRUE, NULL, p))
CALL(request, NtRequestPort(nobody, p))
CALL(request_wait, NtRequestWaitReplyPort(nobody, p, &msg.h))
CALL(request_reply, NtRequestWaitReplyPort(nobody, &msg.h, p))
CALL(reply, NtReplyPort(nobody, p))
CALL(reply_wait, NtReplyWaitReplyPort(nobody, p))
CALL(receive_context, NtReplyWaitReceivePort(nobody, p, NULL, &msg.h))
CALL(receive_reply, NtReplyWaitReceivePort(nobody, NULL, p, &msg.h))
CALL(receive, NtReplyWaitReceivePort(nobody, NULL, NULL, p))
CALL(receive_timeout, NtReplyWaitReceivePortEx(nobody, NULL, NULL, &msg.h, p))
CALL(read_message, NtReadRequestData(nobody, p, 0, bytes, 8, NULL))
CALL(read_buffer, NtReadRequestData(nobody, &msg.h, 0, p, 8, NULL))
CALL(read_count, NtReadRequestData(nobody, &msg.h, 0, bytes, 8, p))
CALL(write_message, NtWriteRequestData(nobody, p, 0, bytes, 8, NULL))
CALL(write_buffer, NtWriteRequestData(nobody, &msg.h, 0, p, 8, NULL))
CALL(write_count, NtWriteRequestData(nobody, &msg.h, 0, bytes, 8, p))
CALL(impersonate, NtImpersonateClientOfPort(nobody, p))
CALL(set_thread, NtSetInformationThread(nobody, ThreadImpersonationToken, p, 8))
CALL(query_info, NtQueryInformationPort(nobody, 0, p, 8, NULL))
CALL(query_length, NtQueryInformationPort(nobody, 0, NULL, 0, p))
CALL(section_handle, NtCreateSection(p, SECTION_ALL_ACCESS, NULL, NULL, PAGE_READWRITE, SEC_COMMIT, NULL))
CALL(section_oa, NtCreateSection(&handle, SECTION_ALL_ACCESS, p, NULL, PAGE_READWRITE, SEC_COMMIT, NULL))
CALL(section_size, NtCreateSection(&handle, SECTION_ALL_ACCESS, NULL, p, PAGE_READWRITE, SEC_COMMIT, NULL))
CALL(map_base, NtMapViewOfSection(nobody, NtCurrentProcess(), p, 0, 0, NULL, &size8, ViewUnmap, 0, PAGE_READWRITE))
CALL(map_offset, NtMapViewOfSection(nobody, NtCurrentProcess(), &base, 0, 0, p, &size8, ViewUnmap, 0, PAGE_READWRITE))
CALL(map_size, NtMapViewOfSection(nobody, NtCurrentProcess(), &base, 0, 0, NULL, p, ViewUnmap, 0, PAGE_READWRITE))
CALL(duplicate, NtDuplicateObject(NtCurrentProcess(), nobody, NtCurrentProcess(), p, 0, 0, DUPLICATE_SAME_ACCESS))
CALL(wait_timeout, NtWaitForSingleObject(nobody, FALSE, p))

static const struct param {
	const char *name;
	NTSTATUS (*call)(void *);
	const void *valid;
	size_t size;
} params[] = {
	{"NtCreatePort PortHandle", create_handle, &handle, 8},
	{"NtCreatePort ObjectAttributes", create_oa, &oa, sizeof(oa)},
	{"NtCreatePort, too long, ObjectAttributes", create_limit, &oa, sizeof(oa)},
	{"NtCreatePort ObjectName", create_name, &name, sizeof(name)},
	{"NtCreatePort ObjectName.Buffer", create_text, NULL, 0},
	{"NtCreatePort SecurityDescriptor", create_sd, &absolute, sizeof(absolute)},
	{"NtCreatePort SecurityDescriptor, self-relative", create_sd, &relative, sizeof(relative)},
	{"NtCreatePort, too long, SecurityDescriptor", limit_sd, &absolute, sizeof(absolute)},
	{"NtCreatePort SecurityDescriptor.Owner", create_owner, &user, sizeof(user)},
	{"NtCreatePort SecurityDescriptor.Group", create_group, &user, sizeof(user)},
	{"NtCreatePort SecurityDescriptor.Dacl", create_dacl, &list, sizeof(list)},
	{"NtCreateWaitablePort PortHandle", waitable_handle, &handle, 8},
	{"NtConnectPort PortHandle", connect_handle, &handle, 8},
	{"NtConnectPort PortName", connect_name, &unknown, sizeof(unknown)},
	{"NtConnectPort PortName.Buffer", connect_text, NULL, 0},
	{"NtConnectPort SecurityQos", connect_qos, &qos, sizeof(qos)},
	{"NtConnectPort ClientView", connect_view, &pv, sizeof(pv)},
	{"NtConnectPort ServerView", connect_remote, &rv, sizeof(rv)},
	{"NtConnectPort MaxMessageLength", connect_most, &number, 4},
	{"NtConnectPort ConnectionInformation", connect_info, bytes, 8},
	{"NtConnectPort ConnectionInformationLength", connect_length, &number, 4},
	{"NtSecureConnectPort ServerSid", connect_sid, &user, sizeof(user)},
	{"NtConnectPort, a view of a wrong length, SecurityQos", connect_qos_view, &qos, sizeof(qos)},
	{"NtListenPort ConnectionRequest", listen_request, &msg, 0x28},
	{"NtAcceptConnectPort PortHandle", accept_handle, &handle, 8},
	{"NtAcceptConnectPort, refusing, PortHandle", refuse_handle, &handle, 8},
	{"NtAcceptConnectPort ConnectionRequest", accept_request, &msg, MESSAGE},
	{"NtAcceptConnectPort ServerView", accept_view, &pv, sizeof(pv)},
	{"NtAcceptConnectPort ClientView", accept_remote, &rv, sizeof(rv)},
	{"NtRequestPort RequestMessage", request, &msg, MESSAGE},
	{"NtRequestWaitReplyPort RequestMessage", request_wait, &msg, MESSAGE},
	{"NtRequestWaitReplyPort ReplyMessage", request_reply, &msg, MESSAGE},
	{"NtReplyPort ReplyMessage", reply, &msg, MESSAGE},
	{"NtReplyWaitReplyPort ReplyMessage", reply_wait, &msg, MESSAGE},
	{"NtReplyWaitReceivePort PortContext", receive_context, &handle, 8},
	{"NtReplyWaitReceivePort ReplyMessage", receive_reply, &msg, MESSAGE},
	{"NtReplyWaitReceivePort ReceiveMessage", receive, &msg, 0x28},
	{"NtReplyWaitReceivePortEx Timeout", receive_timeout, &time0, 8},
	{"NtReadRequestData Message", read_message, &msg, 0x28},
	{"NtReadRequestData Buffer", read_buffer, bytes, 8},
	{"NtReadRequestData NumberOfBytesRead", read_count, &size8, 8},
	{"NtWriteRequestData Message", write_message, &msg, 0x28},
	{"NtWriteRequestData Buffer", write_buffer, bytes, 8},
	{"NtWriteRequestData NumberOfBytesWritten", write_count, &size8, 8},
	{"NtImpersonateClientOfPort Message", impersonate, &msg, 0x28},
	{"NtSetInformationThread ThreadInformation", set_thread, &handle, 8},
	{"NtQueryInformationPort PortInformation", query_info, bytes, 8},
	{"NtQueryInformationPort ReturnLength", query_length, &number, 4},
	{"NtCreateSection SectionHandle", section_handle, &handle, 8},
	{"NtCreateSection ObjectAttributes", section_oa, &oa, sizeof(oa)},
	{"NtCreateSection MaximumSize", section_size, &time0, 8},
	{"NtMapViewOfSection BaseAddress", map_base, &base, 8},
	{"NtMapViewOfSection SectionOffset", map_offset, &time0, 8},
	{"NtMapViewOfSection ViewSize", map_size, &size8, 8},
	{"NtDuplicateObject TargetHandle", duplicate, &handle, 8},
	{"NtWaitForSingleObject Timeout", wait_timeout, &time0, 8},
};

static const char *brief(NTSTATUS s)
{
	return lpc_status_name(s) + strlen("STATUS_");
}

static struct sigaction before;

/* mine ends the program: a fault that it does not know. */
static void mine(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	_exit(99);
}

static void chaining(int sig, siginfo_t *info, void *context)
{
	before.sa_sigaction(sig, info, context);
}

static void take(void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = handler;
	sa.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigaction(SIGSEGV, &sa, &before);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	pages = mmap(NULL, 3 * MOST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	readonly = mmap(NULL, MOST, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(pages + MOST, 2 * MOST);
	gone = pages + MOST;
	RtlInitUnicodeString(&name, text);
	RtlInitUnicodeString(&unknown, (WCHAR *)u"\\Pointers\\Nobody");
	oa = with(&name, NULL);
	list.acl = (ACL){ACL_REVISION, 0, sizeof(ACL) + 20, 1, 0};
	list.ace = (ACCESS_ALLOWED_ACE){{ACCESS_ALLOWED_ACE_TYPE, 0, 20}, PORT_CONNECT, 0x101};

	if (strcmp(mode, "early") == 0)
		take(mine);
	if (strcmp(mode, "chain") == 0)
		take(chaining);
	NtClose(NULL);
	if (strcmp(mode, "late") == 0) {
		take(mine);
		lpc_safe_probe(-1);
	}
	fprintf(stderr, "mode %d\n", lpc_safe_probe(-1));
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		const struct param *p = &params[i];
		const void *valid = p->valid ? p->valid : p->call == create_text ? name.Buffer : unknown.Buffer;
		size_t size = p->size ? p->size : p->call == create_text ? name.Length : unknown.Length;
		char copy[128];

		memcpy(copy, valid, size);
		printf("%s\n", p->name);
		for (int k = 0; k < KINDS; k++) {
			if ((k == SPLIT && size <= 4) || (k == BODY && size != MESSAGE))
				continue;
			printf("\t%-8s %s\n", kinds[k], brief(p->call(place(k, copy, size))));
		}
		pv.Length = sizeof(pv);
		printf("\t%-8s %s\n", "good", brief(p->call((void *)valid)));
	}
	return 0;
}
