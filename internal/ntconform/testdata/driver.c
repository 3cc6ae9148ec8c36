/*
 * The C driver of package ntconform: makes the calls of lpc.h that come as JSON, a line
 * each, on standard input, and says on standard output what they gave. process.go is
 * the other side; calls.go says which parameters a call has and how they are written.
 *
 * Each thread of a scene is a pthread. "Exit" ends it, so that the library notices the
 * end of a C thread, and is answered when it has ended.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lpc.h"

#define MESSAGE 0x158 /* bytes of every message buffer */
#define MOST 32       /* parameters of a request */

/* Pointers that lead nowhere good: unmapped, not writable, not aligned. */
static char *bad, *readonly, *odd;

struct field {
	char *name, *value;
};

struct request {
	int n;
	struct field f[MOST];
	char *text; /* holds them */
};

/* What comes back of a parameter. */
struct out {
	const char *name;
	enum { NUMBER, BYTES, VIEW, REMOTE } kind;
	void *at;
	size_t size;
};

struct call {
	struct request *req;
	struct out out[MOST];
	int outs;
	void *owned[MOST]; /* freed at the end */
	int owns;
	char *line; /* the result as it grows */
	size_t length, room;
	char error[200];
};

struct thread {
	struct thread *next;
	char *name;
	pthread_t id;
	pthread_mutex_t mu;
	pthread_cond_t come;
	struct request *req; /* NULL: none yet */
	int end, ended;
};

static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

static void *need(void *p)
{
	if (!p) {
		fputs("driver: no memory\n", stderr);
		exit(2);
	}
	return p;
}

/* Requests: an object of strings. */

static char *string(char **at)
{
	char *p = *at, *to, *start;

	if (*p++ != '"')
		return NULL;
	for (start = to = p; *p && *p != '"'; p++) {
		if (*p != '\\') {
			*to++ = *p;
			continue;
		}
		if (*++p == 'u') {
			char digits[5] = {0};

			strncpy(digits, p + 1, 4);
			*to++ = (char)strtol(digits, NULL, 16); /* texts are ASCII */
			p += strlen(digits);
		} else {
			*to++ = *p;
		}
	}
	if (*p != '"')
		return NULL;
	*at = p + 1;
	*to = 0;
	return start;
}

static struct request *parse(char *line)
{
	struct request *r = need(calloc(1, sizeof *r));
	char *p = r->text = line;

	if (*p++ != '{')
		return NULL;
	while (*p && *p != '}' && r->n < MOST) {
		struct field *f = &r->f[r->n++];

		if (*p == ',')
			p++;
		f->name = string(&p);
		if (!f->name || *p++ != ':')
			return NULL;
		f->value = string(&p);
		if (!f->value)
			return NULL;
	}
	return r;
}

static const char *get(struct request *r, const char *name)
{
	for (int i = 0; i < r->n; i++)
		if (strcmp(r->f[i].name, name) == 0)
			return r->f[i].value;
	return "";
}

/* Results. */

static void say(struct call *c, const char *format, ...)
{
	va_list ap;
	int n;

	if (c->room - c->length < 4096)
		c->line = need(realloc(c->line, c->room = c->room * 2 + 8192));
	va_start(ap, format);
	n = vsnprintf(c->line + c->length, c->room - c->length, format, ap);
	va_end(ap);
	c->length += (size_t)n;
}

static void say_bytes(struct call *c, const void *at, size_t size)
{
	const unsigned char *b = at;

	for (size_t i = 0; i < size; i++)
		say(c, "%02x", b[i]);
}

static void failed(struct call *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (!c->error[0])
		vsnprintf(c->error, sizeof c->error, format, ap);
	va_end(ap);
}

/* Parameters. */

static uint64_t number(struct call *c, const char *name)
{
	return strtoull(get(c->req, name), NULL, 0);
}

static HANDLE handle(struct call *c, const char *name) { return (HANDLE)(uintptr_t)number(c, name); }

/* special finds the pointers that are no memory of ours. */
static int special(struct call *c, const char *name, void **p)
{
	const char *v = get(c->req, name);

	*p = strcmp(v, "nil") == 0 ? NULL : strcmp(v, "bad") == 0 ? bad : strcmp(v, "ro") == 0 ? readonly : odd;
	return strcmp(v, "nil") == 0 || strcmp(v, "bad") == 0 || strcmp(v, "ro") == 0 || strcmp(v, "odd") == 0;
}

static void *memory(struct call *c, size_t size)
{
	void *p = need(calloc(1, size ? size : 1));

	c->owned[c->owns++] = p;
	return p;
}

static void comes_back(struct call *c, const char *name, int kind, void *at, size_t size)
{
	struct out *o = &c->out[c->outs++];

	o->name = name;
	o->kind = kind;
	o->at = at;
	o->size = size;
}

/* out is a pointer to a number of that many bytes. */
static void *out(struct call *c, const char *name, size_t size)
{
	uint64_t *v;
	void *p;

	if (special(c, name, &p))
		return p;
	v = memory(c, sizeof *v);
	*v = number(c, name);
	if (size == 4)
		*v &= 0xffffffff; /* the lower half is what the callee sees */
	comes_back(c, name, NUMBER, v, size);
	return v;
}

static void *bytes(struct call *c, const char *name, size_t *size)
{
	const char *v = get(c->req, name);
	unsigned char *b;
	void *p;

	*size = 0;
	if (special(c, name, &p))
		return p;
	*size = strlen(v) / 2;
	b = memory(c, *size);
	for (size_t i = 0; i < *size; i++) {
		unsigned x;

		if (sscanf(v + 2 * i, "%2x", &x) != 1)
			failed(c, "parameter %s is not hex", name);
		b[i] = (unsigned char)x;
	}
	comes_back(c, name, BYTES, b, *size);
	return b;
}

static PPORT_MESSAGE message(struct call *c, const char *name)
{
	size_t size;
	void *p = bytes(c, name, &size);

	if (size != 0 && size != MESSAGE)
		failed(c, "message %s has %zu bytes", name, size);
	return p;
}

/* same is a message that may be the one before it. */
static PPORT_MESSAGE same(struct call *c, const char *name, PPORT_MESSAGE other)
{
	if (strcmp(get(c->req, name), "alias") != 0)
		return message(c, name);
	comes_back(c, name, BYTES, other, MESSAGE);
	return other;
}

static void numbers(struct call *c, const char *name, uint64_t *v, int n)
{
	char *at = (char *)get(c->req, name);

	for (int i = 0; i < n; i++) {
		v[i] = strtoull(at, &at, 0);
		if (*at == ',')
			at++;
	}
}

static PPORT_VIEW view(struct call *c, const char *name)
{
	uint64_t v[6];
	PPORT_VIEW w;
	void *p;

	if (special(c, name, &p))
		return p;
	numbers(c, name, v, 6);
	w = memory(c, sizeof *w);
	w->Length = (ULONG)v[0];
	w->SectionHandle = (HANDLE)(uintptr_t)v[1];
	w->SectionOffset = (ULONG)v[2];
	w->ViewSize = v[3];
	w->ViewBase = (PVOID)(uintptr_t)v[4];
	w->ViewRemoteBase = (PVOID)(uintptr_t)v[5];
	comes_back(c, name, VIEW, w, 0);
	return w;
}

static PREMOTE_PORT_VIEW remote(struct call *c, const char *name)
{
	uint64_t v[3];
	PREMOTE_PORT_VIEW w;
	void *p;

	if (special(c, name, &p))
		return p;
	numbers(c, name, v, 3);
	w = memory(c, sizeof *w);
	w->Length = (ULONG)v[0];
	w->ViewSize = v[1];
	w->ViewBase = (PVOID)(uintptr_t)v[2];
	comes_back(c, name, REMOTE, w, 0);
	return w;
}

static PSECURITY_QUALITY_OF_SERVICE qos(struct call *c, const char *name)
{
	PSECURITY_QUALITY_OF_SERVICE q;
	uint64_t v[4];
	void *p;

	if (special(c, name, &p))
		return p;
	numbers(c, name, v, 4);
	q = memory(c, sizeof *q);
	q->Length = (ULONG)v[0];
	q->ImpersonationLevel = (SECURITY_IMPERSONATION_LEVEL)v[1];
	q->ContextTrackingMode = (BOOLEAN)v[2];
	q->EffectiveOnly = (BOOLEAN)v[3];
	return q;
}

static PUNICODE_STRING text(struct call *c, const char *name)
{
	const char *v = get(c->req, name);
	PUNICODE_STRING u;
	size_t n;
	void *p;

	if (special(c, name, &p))
		return p;
	n = strlen(++v); /* behind the = */
	u = memory(c, sizeof *u);
	u->Buffer = memory(c, n * sizeof(WCHAR));
	u->Length = u->MaximumLength = (USHORT)(n * sizeof(WCHAR));
	for (size_t i = 0; i < n; i++)
		u->Buffer[i] = (WCHAR)(unsigned char)v[i];
	return u;
}

/* sid reads S-1-authority-…; an empty text is a SID of revision 0, which is none. */
static PSID sid(struct call *c, const char *name)
{
	char *v = (char *)get(c->req, name);
	uint64_t authority;
	PSID s;
	void *p;

	if (special(c, name, &p))
		return p;
	s = memory(c, sizeof *s + 15 * sizeof(ULONG));
	if (strncmp(++v, "S-1-", 4) != 0)
		return s;
	s->Revision = 1;
	authority = strtoull(v + 4, &v, 0);
	for (int i = 0; i < 6; i++)
		s->IdentifierAuthority.Value[i] = (UCHAR)(authority >> (40 - 8 * i));
	while (*v == '-' && s->SubAuthorityCount < 15)
		s->SubAuthority[s->SubAuthorityCount++] = (ULONG)strtoull(v + 1, &v, 0);
	return s;
}

static POBJECT_ATTRIBUTES attributes(struct call *c)
{
	POBJECT_ATTRIBUTES a;
	size_t size;
	void *p;

	if (special(c, "ObjectAttributes", &p))
		return p;
	a = memory(c, sizeof *a);
	a->Length = sizeof *a;
	a->ObjectName = text(c, "ObjectName");
	a->Attributes = (ULONG)number(c, "Attributes");
	a->SecurityDescriptor = bytes(c, "SecurityDescriptor", &size);
	return a;
}

/* Calls. */

static NTSTATUS ports(struct call *c, const char *name, int *known)
{
	PPORT_MESSAGE m;
	PVOID b;
	size_t n;

#define IS(call) (strcmp(name, #call) == 0)
#define H(param) handle(c, #param)
#define U(param) ((ULONG)number(c, #param))
	if (IS(NtCreatePort))
		return NtCreatePort(out(c, "PortHandle", 8), attributes(c), U(MaxConnectionInfoLength), U(MaxMessageLength), U(MaxPoolUsage));
	if (IS(NtCreateWaitablePort))
		return NtCreateWaitablePort(out(c, "PortHandle", 8), attributes(c), U(MaxConnectionInfoLength), U(MaxMessageLength), U(MaxPoolUsage));
	if (IS(NtConnectPort))
		return NtConnectPort(out(c, "PortHandle", 8), text(c, "PortName"), qos(c, "SecurityQos"), view(c, "ClientView"), remote(c, "ServerView"),
			out(c, "MaxMessageLength", 4), bytes(c, "ConnectionInformation", &n), out(c, "ConnectionInformationLength", 4));
	if (IS(NtSecureConnectPort))
		return NtSecureConnectPort(out(c, "PortHandle", 8), text(c, "PortName"), qos(c, "SecurityQos"), view(c, "ClientView"), sid(c, "ServerSid"),
			remote(c, "ServerView"), out(c, "MaxMessageLength", 4), bytes(c, "ConnectionInformation", &n), out(c, "ConnectionInformationLength", 4));
	if (IS(NtListenPort))
		return NtListenPort(H(PortHandle), message(c, "ConnectionRequest"));
	if (IS(NtAcceptConnectPort))
		return NtAcceptConnectPort(out(c, "PortHandle", 8), (PVOID)(uintptr_t)number(c, "PortContext"), message(c, "ConnectionRequest"),
			(BOOLEAN)number(c, "AcceptConnection"), view(c, "ServerView"), remote(c, "ClientView"));
	if (IS(NtCompleteConnectPort))
		return NtCompleteConnectPort(H(PortHandle));
	if (IS(NtRequestPort))
		return NtRequestPort(H(PortHandle), message(c, "RequestMessage"));
	if (IS(NtRequestWaitReplyPort)) {
		m = message(c, "RequestMessage");
		return NtRequestWaitReplyPort(H(PortHandle), m, same(c, "ReplyMessage", m));
	}
	if (IS(NtReplyPort))
		return NtReplyPort(H(PortHandle), message(c, "ReplyMessage"));
	if (IS(NtReplyWaitReplyPort))
		return NtReplyWaitReplyPort(H(PortHandle), message(c, "ReplyMessage"));
	if (IS(NtReplyWaitReceivePort)) {
		m = message(c, "ReplyMessage");
		return NtReplyWaitReceivePort(H(PortHandle), out(c, "PortContext", 8), m, same(c, "ReceiveMessage", m));
	}
	if (IS(NtReplyWaitReceivePortEx)) {
		m = message(c, "ReplyMessage");
		return NtReplyWaitReceivePortEx(H(PortHandle), out(c, "PortContext", 8), m, same(c, "ReceiveMessage", m), out(c, "Timeout", 8));
	}
	if (IS(NtImpersonateClientOfPort))
		return NtImpersonateClientOfPort(H(PortHandle), message(c, "Message"));
	if (IS(NtReadRequestData) || IS(NtWriteRequestData)) {
		b = bytes(c, "Buffer", &n);
		return (IS(NtReadRequestData) ? NtReadRequestData : NtWriteRequestData)(H(PortHandle), message(c, "Message"), U(DataEntryIndex), b, n,
			out(c, "NumberOfBytes", 8));
	}
	if (IS(NtQueryInformationPort)) {
		b = bytes(c, "PortInformation", &n);
		return NtQueryInformationPort(H(PortHandle), U(PortInformationClass), b, (ULONG)n, out(c, "ReturnLength", 4));
	}
	if (IS(NtRegisterThreadTerminatePort))
		return NtRegisterThreadTerminatePort(H(PortHandle));
	*known = 0;
	return 0;
}

static NTSTATUS objects(struct call *c, const char *name, int *known)
{
	PVOID b;
	size_t n;

	if (IS(NtCreateSection))
		return NtCreateSection(out(c, "SectionHandle", 8), U(DesiredAccess), NULL, out(c, "MaximumSize", 8), U(SectionPageProtection),
			U(AllocationAttributes), H(FileHandle));
	if (IS(NtMapViewOfSection))
		return NtMapViewOfSection(H(SectionHandle), H(ProcessHandle), out(c, "BaseAddress", 8), number(c, "ZeroBits"), number(c, "CommitSize"),
			out(c, "SectionOffset", 8), out(c, "ViewSize", 8), (SECTION_INHERIT)U(InheritDisposition), U(AllocationType), U(Win32Protect));
	if (IS(NtUnmapViewOfSection))
		return NtUnmapViewOfSection(H(ProcessHandle), (PVOID)(uintptr_t)number(c, "BaseAddress"));
	if (IS(NtDuplicateObject))
		return NtDuplicateObject(H(SourceProcessHandle), H(SourceHandle), H(TargetProcessHandle), out(c, "TargetHandle", 8), U(DesiredAccess),
			U(HandleAttributes), U(Options));
	if (IS(NtClose))
		return NtClose(H(Handle));
	if (IS(NtWaitForSingleObject))
		return NtWaitForSingleObject(H(Handle), (BOOLEAN)number(c, "Alertable"), out(c, "Timeout", 8));
	if (IS(NtSetInformationThread)) {
		b = bytes(c, "ThreadInformation", &n);
		return NtSetInformationThread(H(ThreadHandle), U(ThreadInformationClass), b, (ULONG)n);
	}
	*known = 0;
	return 0;
}

/* own are the calls that are not NT's. */
static void own(struct call *c, const char *name)
{
	struct iovec local, there;
	size_t n;

	if (IS(Identify)) {
		NtClose(NULL); /* a thread is known from its first call on */
		say(c, ",\"Process\":\"0x%lx\",\"Thread\":\"0x%lx\"", (long)getpid(), (long)syscall(SYS_gettid));
	} else if (IS(Alloc)) {
		void *p = mmap(NULL, number(c, "Size"), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			failed(c, "Alloc: %s", strerror(errno));
		say(c, ",\"Address\":\"0x%lx\"", (unsigned long)p);
	} else if (IS(Protect)) {
		if (mprotect((void *)(uintptr_t)number(c, "Address"), number(c, "Size"), PROT_NONE) != 0)
			failed(c, "Protect: %s", strerror(errno));
	} else if (IS(Peek)) {
		there.iov_base = (void *)(uintptr_t)number(c, "Address");
		local.iov_len = there.iov_len = number(c, "Size");
		local.iov_base = memory(c, local.iov_len);
		say(c, ",\"Data\":\"");
		if (process_vm_readv(getpid(), &local, 1, &there, 1, 0) == (ssize_t)there.iov_len)
			say_bytes(c, local.iov_base, local.iov_len);
		else
			say(c, "absent");
		say(c, "\"");
	} else if (IS(Poke)) {
		local.iov_base = bytes(c, "Data", &n);
		there.iov_base = (void *)(uintptr_t)number(c, "Address");
		local.iov_len = there.iov_len = n;
		if (process_vm_writev(getpid(), &local, 1, &there, 1, 0) != (ssize_t)n)
			failed(c, "Poke: %s", strerror(errno));
	} else if (IS(Whoami)) {
		say(c, ",\"UID\":\"0x%lx\",\"GID\":\"0x%lx\"", syscall(SYS_geteuid), syscall(SYS_getegid));
	} else {
		failed(c, "there is no call %s", name);
	}
}

static void say_outs(struct call *c)
{
	for (int i = 0; i < c->outs; i++) {
		struct out *o = &c->out[i];

		say(c, ",\"%s\":\"", o->name);
		if (o->kind == NUMBER) {
			say(c, "0x%lx", *(uint64_t *)o->at);
		} else if (o->kind == BYTES) {
			say_bytes(c, o->at, o->size);
		} else if (o->kind == VIEW) {
			PPORT_VIEW w = o->at;

			say(c, "0x%x,0x%lx,0x%x,0x%lx,0x%lx,0x%lx", w->Length, (unsigned long)w->SectionHandle, w->SectionOffset, w->ViewSize,
				(unsigned long)w->ViewBase, (unsigned long)w->ViewRemoteBase);
		} else {
			PREMOTE_PORT_VIEW w = o->at;

			say(c, "0x%x,0x%lx,0x%lx", w->Length, w->ViewSize, (unsigned long)w->ViewBase);
		}
		say(c, "\"");
	}
}

static void print(const char *line, size_t length)
{
	pthread_mutex_lock(&output);
	fwrite(line, 1, length, stdout);
	fflush(stdout);
	pthread_mutex_unlock(&output);
}

static void make(struct request *req)
{
	struct call c = {.req = req};
	const char *name = get(req, "call");
	NTSTATUS s;
	int known = 1;

	say(&c, "{\"thread\":\"%s\"", get(req, "thread"));
	s = ports(&c, name, &known);
	if (!known) {
		known = 1;
		s = objects(&c, name, &known);
	}
	if (!known)
		own(&c, name);
	say_outs(&c);
	if (c.error[0])
		say(&c, ",\"error\":\"%s\"", c.error);
	say(&c, ",\"status\":\"%08X\"}\n", (unsigned)s);
	print(c.line, c.length);
	for (int i = 0; i < c.owns; i++)
		free(c.owned[i]);
	free(c.line);
	free(req->text);
	free(req);
}

/* Threads. */

static void *run(void *arg)
{
	struct thread *t = arg;

	for (;;) {
		struct request *req;

		pthread_mutex_lock(&t->mu);
		while (!t->req && !t->end)
			pthread_cond_wait(&t->come, &t->mu);
		req = t->req;
		t->req = NULL;
		pthread_mutex_unlock(&t->mu);
		if (!req)
			return NULL;
		make(req);
	}
}

static void end(struct thread *t, struct request *req)
{
	char line[200];

	if (!t->ended) {
		pthread_mutex_lock(&t->mu);
		t->end = 1;
		pthread_cond_signal(&t->come);
		pthread_mutex_unlock(&t->mu);
		pthread_join(t->id, NULL);
		t->ended = 1;
	}
	snprintf(line, sizeof line, "{\"thread\":\"%s\",\"status\":\"00000000\"}\n", t->name);
	print(line, strlen(line));
	free(req->text);
	free(req);
}

int main(void)
{
	struct thread *all = NULL, *t;
	char *line = NULL;
	size_t room = 0;

	bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	odd = (char *)need(malloc(2 * MESSAGE)) + 1;
	if (bad == MAP_FAILED || readonly == MAP_FAILED)
		return 2;
	while (getline(&line, &room, stdin) > 0) {
		struct request *req = parse(need(strdup(line)));
		const char *name;

		if (!req) {
			fprintf(stderr, "driver: not a request: %s", line);
			return 2;
		}
		name = get(req, "thread");
		for (t = all; t && strcmp(t->name, name) != 0; t = t->next)
			;
		if (!t) {
			t = need(calloc(1, sizeof *t));
			t->name = need(strdup(name));
			pthread_mutex_init(&t->mu, NULL);
			pthread_cond_init(&t->come, NULL);
			t->next = all;
			all = t;
			if (pthread_create(&t->id, NULL, run, t) != 0)
				return 2;
		}
		if (strcmp(get(req, "call"), "Exit") == 0) {
			end(t, req);
			continue;
		}
		pthread_mutex_lock(&t->mu);
		t->req = req;
		pthread_cond_signal(&t->come);
		pthread_mutex_unlock(&t->mu);
	}
	return 0;
}
