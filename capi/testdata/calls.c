/*
 * calls: what only C has in a call: addresses of views and of data, 16-bit text,
 * descriptors and SIDs in memory, places that cannot be written when the time comes.
 * What the calls do otherwise is internal/ntconform's.
 */
#include "common.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>

#define PAGE 4096

/* edge is the last bytes of a page with nothing behind it. */
static void *edge(size_t bytes)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p + PAGE, PAGE);
	return p + PAGE - bytes;
}

static struct {
	HANDLE port, scp, clp;
	PORT_VIEW view;
	REMOTE_PORT_VIEW remote;
	ULONG most;
} c;

static HANDLE section(LONGLONG bytes)
{
	LARGE_INTEGER size = {.QuadPart = bytes};
	HANDLE h;

	must(NtCreateSection(&h, SECTION_ALL_ACCESS, NULL, &size, PAGE_READWRITE, SEC_COMMIT, NULL));
	return h;
}

static void *views_client(void *unused)
{
	char info[16] = "ask";
	ULONG length = sizeof(info);

	(void)unused;
	c.view = (PORT_VIEW){.Length = sizeof(c.view), .SectionHandle = section(3 * PAGE), .ViewSize = 1};
	c.remote = (REMOTE_PORT_VIEW){.Length = sizeof(c.remote)};
	must(NtConnectPort(&c.clp, named("\\Calls\\Views"), &quality, &c.view, &c.remote, &c.most, info, &length));
	say("connected: \"%.*s\", MaxMessageLength %#x", (int)length, info, c.most);
	return NULL;
}

static void views(void)
{
	PORT_MESSAGE_BUFFER m;
	PORT_VIEW mine = {.Length = sizeof(mine), .SectionHandle = section(2 * PAGE)};
	REMOTE_PORT_VIEW theirs = {.Length = sizeof(theirs)};
	PVOID base = NULL, context;
	SIZE_T size = 0;
	pthread_t t;

	c.port = create_port("\\Calls\\Views");
	t = start(views_client, NULL);
	must(NtListenPort(c.port, &m.h));
	say("asked: ClientViewSize %#lx, %d bytes", m.h.ClientViewSize, m.h.DataLength);
	set(&m, "granted", 7);
	must(NtAcceptConnectPort(&c.scp, (PVOID)0x1234, &m.h, TRUE, &mine, &theirs));
	must(NtCompleteConnectPort(c.scp));
	pthread_join(t, NULL);
	say("the addresses agree: %d %d, sizes %#lx %#lx %#lx %#lx, Length %d",
		c.view.ViewRemoteBase == theirs.ViewBase, mine.ViewRemoteBase == c.remote.ViewBase,
		c.view.ViewSize, theirs.ViewSize, mine.ViewSize, c.remote.ViewSize, c.remote.Length);
	strcpy(c.view.ViewBase, "from the client");
	strcpy(mine.ViewBase, "from the server");
	say("\"%s\", \"%s\"", (char *)theirs.ViewBase, (char *)c.remote.ViewBase);
	must(NtMapViewOfSection(mine.SectionHandle, NtCurrentProcess(), &base, 0, 0, NULL, &size, ViewUnmap, 0, PAGE_READONLY));
	say("mapped again: %#lx bytes, \"%s\"", size, (char *)base);
	must(NtUnmapViewOfSection(NtCurrentProcess(), base));
	tell(NtUnmapViewOfSection(NtCurrentProcess(), base));
	m = message("x");
	must(NtRequestPort(c.clp, &m.h));
	must(NtReplyWaitReceivePort(c.port, &context, NULL, &m.h));
	say("PortContext %p", context);
}

/* What a receiver finds behind the data is what was there; places that are too small. */
static void places(void)
{
	PORT_MESSAGE_BUFFER m = message("12345"), in;
	PORT_MESSAGE *small = edge(sizeof(*small));
	LARGE_INTEGER zero = {.QuadPart = 0};

	must(NtRequestPort(c.clp, &m.h));
	must(NtRequestPort(c.clp, &m.h));
	say("the sender's Type is still %d", m.h.Type);
	m = message("");
	must(NtRequestPort(c.clp, &m.h));
	memset(&in, 0xA5, sizeof(in));
	must(NtReplyWaitReceivePort(c.port, NULL, NULL, &in.h));
	say("received %.5s %02x %02x %02x %02x, %s", in.Data, in.Data[5], in.Data[7], in.Data[8], in.Data[303], type_of(&in));
	say("a place for a header alone, data: %s", brief(NtReplyWaitReceivePort(c.port, NULL, NULL, small)));
	say("a place for a header alone, no data: %s", brief(NtReplyWaitReceivePort(c.port, NULL, NULL, small)));
	memset(&in, 0xA5, sizeof(in));
	say("nothing is left: %s", brief(NtReplyWaitReceivePortEx(c.port, NULL, NULL, &in.h, &zero)));
	say("and nothing was written: %02x %02x", in.h.DataLength & 0xff, in.Data[0]);
}

static void *lost_client(void *status)
{
	PORT_MESSAGE_BUFFER m = message("question");

	*(NTSTATUS *)status = NtRequestWaitReplyPort(c.clp, &m.h, edge(sizeof(PORT_MESSAGE)));
	return NULL;
}

static void lost(void)
{
	PORT_MESSAGE_BUFFER m;
	NTSTATUS status;
	pthread_t t = start(lost_client, &status);

	must(NtReplyWaitReceivePort(c.port, NULL, NULL, &m.h));
	set(&m, "answer", 6);
	say("the replier: %s", brief(NtReplyPort(c.port, &m.h)));
	pthread_join(t, NULL);
	say("the client: %s", brief(status));
}

/* Data-info: the server reads and writes memory of the client. */
static char big[100000], room[64], *half;

static void *data_client(void *unused)
{
	struct { PORT_MESSAGE h; ULONG count, pad; PORT_DATA_ENTRY e[7]; UCHAR rest[152]; } m = {
		.h = {.DataInfoOffset = sizeof(PORT_MESSAGE)},
		.count = 7,
		.e = {{big, sizeof(big)}, {room, sizeof(room)}, {half, 2 * PAGE}, {(PVOID)(intptr_t)-16, 64},
		      {NULL, 64}, {(PVOID)(intptr_t)8, 64}, {(PVOID)((intptr_t)1 << 55), 64}},
	};

	(void)unused;
	m.h.DataLength = 8 + 7 * sizeof(PORT_DATA_ENTRY);
	m.h.TotalLength = (USHORT)(sizeof(m.h) + (size_t)m.h.DataLength);
	must(NtRequestWaitReplyPort(c.clp, &m.h, &m.h));
	say("the client's memory: \"%s\"", room);
	return NULL;
}

static void data(void)
{
	PORT_MESSAGE_BUFFER m;
	static char copy[sizeof(big)];
	char text[] = "written", *page;
	SIZE_T n = 0;
	pthread_t t;

	half = (char *)edge(PAGE);
	memset(half, 'h', PAGE);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	t = start(data_client, NULL);
	must(NtReplyWaitReceivePort(c.port, NULL, NULL, &m.h));
	must(NtReadRequestData(c.scp, &m.h, 0, copy, sizeof(copy), &n));
	say("read %lu bytes, the same: %d", n, memcmp(copy, big, sizeof(big)) == 0);
	must(NtWriteRequestData(c.scp, &m.h, 1, text, sizeof(text), &n));
	say("wrote %lu bytes", n);
	n = 0;
	say("a range of which the first page is there: %s", brief(NtReadRequestData(c.scp, &m.h, 2, copy, 2 * PAGE, &n)));
	say("that gave %lu bytes, %c", n, copy[PAGE - 1]);
	for (ULONG i = 3; i < 7; i++)
		say("a range that is not there: %s", brief(NtReadRequestData(c.scp, &m.h, i, copy, 16, NULL)));
	page = edge(8);
	say("a buffer of 8 bytes, said to have 64: %s", brief(NtReadRequestData(c.scp, &m.h, 1, page, 64, NULL)));
	say("to read from: %s", brief(NtWriteRequestData(c.scp, &m.h, 1, page, 64, NULL)));
	say("more than all memory: %s", brief(NtReadRequestData(c.scp, &m.h, 1, page, (SIZE_T)-1, NULL)));
	say("more than the entry: %s", brief(NtReadRequestData(c.scp, &m.h, 1, copy, 65, NULL)));
	set(&m, "", 0);
	m.h.DataInfoOffset = 0;
	must(NtReplyPort(c.scp, &m.h));
	pthread_join(t, NULL);
}

/* Names have 16-bit characters. */
static NTSTATUS create_named(PCWSTR text, USHORT bytes)
{
	UNICODE_STRING u = {bytes, bytes, (PWSTR)text};
	OBJECT_ATTRIBUTES oa;
	HANDLE h;
	NTSTATUS s;

	InitializeObjectAttributes(&oa, &u, 0, NULL, NULL);
	if ((s = NtCreatePort(&h, &oa, 0, 0, 0)) == STATUS_SUCCESS)
		must(NtClose(h));
	return s;
}

static void names(void)
{
	OBJECT_ATTRIBUTES oa;
	HANDLE h;

	say("beyond ASCII: %s", brief(create_named((PCWSTR)u"\\Calls\\Größe 日本 😀", sizeof(u"\\Calls\\Größe 日本 😀") - 2)));
	say("half a character: %s", brief(create_named((PCWSTR)(const uint16_t[]){'\\', 0xD83D}, 4)));
	say("half a pair: %s", brief(create_named((PCWSTR)u"\\Calls\\x", 15)));
	say("U+FFFD is one: %s", brief(create_named((PCWSTR)u"\\Calls\\\xFFFD", 16)));
	InitializeObjectAttributes(&oa, NULL, 0, NULL, NULL);
	oa.Length--;
	say("attributes of a wrong size: %s", brief(NtCreatePort(&h, &oa, 0, 0, 0)));
}

/* Descriptors and SIDs. root is S-1-5-18; the user here is root or another. */
struct sid { UCHAR revision, count, authority[6]; ULONG sub[3]; };

static struct sid user(ULONG uid)
{
	if (uid == 0)
		return (struct sid){1, 1, {0, 0, 0, 0, 0, 5}, {18}};
	return (struct sid){1, 2, {0, 0, 0, 0, 0, 22}, {1, uid}};
}

static NTSTATUS outcome;
static volatile int done;

static void *asks(void *unused)
{
	HANDLE h;

	(void)unused;
	outcome = NtConnectPort(&h, named("\\Calls\\Described"), &quality, NULL, NULL, NULL, NULL, NULL);
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* described is what who asks for a port with that descriptor gets: who is let in is
 * refused by the server, which is another status. */
static NTSTATUS described(PVOID descriptor)
{
	OBJECT_ATTRIBUTES oa;
	LARGE_INTEGER soon = {.QuadPart = -100000};
	PORT_MESSAGE_BUFFER m;
	HANDLE h, to;
	NTSTATUS s;
	pthread_t t;

	InitializeObjectAttributes(&oa, named("\\Calls\\Described"), 0, NULL, descriptor);
	if ((s = NtCreatePort(&h, &oa, 0, PORT_TOTAL_MAXIMUM_MESSAGE_LENGTH, 0)) != STATUS_SUCCESS)
		return s;
	done = 0;
	t = start(asks, NULL);
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE))
		if (NtReplyWaitReceivePortEx(h, NULL, NULL, &m.h, &soon) == STATUS_SUCCESS)
			must(NtAcceptConnectPort(&to, NULL, &m.h, FALSE, NULL, NULL));
	pthread_join(t, NULL);
	must(NtClose(h));
	return outcome;
}

/* secured is what who asks for a server with that SID gets. */
static NTSTATUS secured(struct sid *sid)
{
	HANDLE h = create_port("\\Calls\\Secured"), to;
	NTSTATUS s = NtSecureConnectPort(&to, named("\\Calls\\Secured"), &quality, NULL, (PSID)sid, NULL, NULL, NULL, NULL);

	must(NtClose(h));
	return s;
}

static void descriptors(void)
{
	struct sid me = user((ULONG)geteuid()), bad = {1, 16, {0}, {0}}, old = {2, 1, {0}, {0}};
	struct { ACL acl; ACE_HEADER h; ACCESS_MASK mask; struct sid sid; } list = {
		{ACL_REVISION, 0, sizeof(list), 1, 0}, {ACCESS_ALLOWED_ACE_TYPE, 0, sizeof(list) - sizeof(ACL)}, PORT_ALL_ACCESS, me};
	ACL broken = {ACL_REVISION, 0, 4, 0, 0};
	SECURITY_DESCRIPTOR d = {SECURITY_DESCRIPTOR_REVISION, 0, SE_DACL_PRESENT, (PSID)&me, NULL, NULL, NULL};
	struct { SECURITY_DESCRIPTOR_RELATIVE d; struct sid owner; ACL acl; } r = {
		{SECURITY_DESCRIPTOR_REVISION, 0, SE_DACL_PRESENT | SE_SELF_RELATIVE, sizeof(r.d), 0, 0, 0}, me, {ACL_REVISION, 0, sizeof(ACL), 0, 0}};

	say("a NULL list: %s", brief(described(&d)));
	d.Dacl = &list.acl;
	say("a list with its maker: %s", brief(described(&d)));
	d.Dacl = &r.acl;
	say("an empty list: %s", brief(described(&d)));
	say("self-relative, a NULL list: %s", brief(described(&r)));
	r.d.Dacl = offsetof(__typeof__(r), acl);
	say("self-relative, an empty list: %s", brief(described(&r)));
	d.Dacl = &broken;
	say("a list that is none: %s", brief(described(&d)));
	d.Dacl = NULL;
	d.Owner = (PSID)&bad;
	say("an owner of 16 parts: %s", brief(described(&d)));
	d.Owner = (PSID)&old;
	say("an owner of revision 2: %s", brief(described(&d)));
	d.Revision = 2;
	say("a descriptor of revision 2: %s", brief(described(&d)));
	me.sub[1] = 54321;
	me.count = 2;
	me.authority[5] = 22;
	me.sub[0] = 1;
	say("a server of another user: %s", brief(secured(&me)));
	say("a server of no user: %s", brief(secured(&old)));
}

static void handles(void)
{
	HANDLE h;
	LARGE_INTEGER soon = {.QuadPart = -10}, past = {.QuadPart = 1};
	ULONG n = 7;
	PORT_MESSAGE_BUFFER m;

	must(NtDuplicateObject(NtCurrentProcess(), c.clp, NtCurrentProcess(), &h, 0, 0, DUPLICATE_SAME_ACCESS));
	say("another handle: %d", h != c.clp);
	must(NtClose(h));
	must(NtQueryInformationPort(c.clp, 0, NULL, 0, &n));
	say("ReturnLength %u", n);
	tell(NtQueryInformationPort(NULL, 0, NULL, 0, NULL));
	tell(NtReplyWaitReceivePortEx(c.port, NULL, NULL, &m.h, &soon));
	tell(NtReplyWaitReceivePortEx(c.port, NULL, NULL, &m.h, &past));
	tell(NtWaitForSingleObject(c.port, FALSE, &soon));
	must(NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &(HANDLE){NULL}, sizeof(HANDLE)));
	tell(NtImpersonateClientOfPort(c.port, &m.h));
	tell(NtClose((HANDLE)(intptr_t)-3));
}

/* A waitable port's event beside other descriptors. */
static void events(void)
{
	OBJECT_ATTRIBUTES oa;
	PORT_MESSAGE_BUFFER m = message("x");
	struct pollfd p = {.events = POLLIN};
	HANDLE h;

	InitializeObjectAttributes(&oa, named("\\Calls\\Event"), 0, NULL, NULL);
	must(NtCreateWaitablePort(&h, &oa, 0, PORT_TOTAL_MAXIMUM_MESSAGE_LENGTH, 0));
	p.fd = lpc_event_fd(h);
	say("readable: %d", poll(&p, 1, 0));
	must(NtRequestPort(h, &m.h));
	say("with a message: %d", poll(&p, 1, -1));
	must(NtReplyWaitReceivePort(h, NULL, NULL, &m.h));
	say("without it: %d", poll(&p, 1, 0));
	must(NtClose(h));
	say("the port is gone: %d", poll(&p, 1, -1));
	say("of another port: %d", lpc_event_fd(c.port));
	close(p.fd);
}

static void mine(int sig)
{
	(void)sig;
	_exit(99);
}

/* With an argument the program takes SIGSEGV for itself. */
int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		signal(SIGSEGV, mine);
	views();
	places();
	lost();
	data();
	names();
	descriptors();
	handles();
	events();
	return 0;
}
