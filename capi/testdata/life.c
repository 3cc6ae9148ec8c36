/*
 * life: what a C program does that a Go program does not: threads end, processes fork.
 *
 *   life threads       threads that end by returning and by pthread_exit
 *   life after         calls of a thread that has ended
 *   life fork          a forked child, made by fork, by clone, and from a thread
 *   life server NAME   prints what it receives until a client's port closes
 *   life client NAME HOW
 *                      registers and then waits, returns from main, ends its main
 *                      thread, or is forked: "wait", "return", "main", "fork"
 *   life holds NAME WHAT HOW
 *                      takes a "connection" or a "request" and leaves it there; is
 *                      forked or not: "fork", "alone"
 *   life asks NAME     connects and asks, and prints what the calls gave
 */
#include "common.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#define NAME "\\Life\\Own"

static HANDLE clp;
static long tid;

static void *client(void *how)
{
	HANDLE h = connect_port(NAME);

	must(NtRegisterThreadTerminatePort(h));
	must(NtRegisterThreadTerminatePort(h));
	tid = gettid_();
	clp = h;
	if (how)
		pthread_exit(NULL);
	return NULL;
}

static void receive(HANDLE port, const char *from)
{
	PORT_MESSAGE_BUFFER m;
	LARGE_INTEGER zero = {.QuadPart = 0};
	NTSTATUS s = NtReplyWaitReceivePortEx(port, NULL, NULL, &m.h, from ? NULL : &zero);

	if (s != STATUS_SUCCESS)
		say("%s", brief(s));
	else
		say("%s from %s, %d bytes", type_of(&m), (long)m.h.ClientId.UniqueThread == tid ? from : "somebody else", m.h.DataLength);
}

static int threads(void)
{
	HANDLE port = create_port(NAME);

	for (int i = 0; i < 2; i++) {
		pthread_t t = start(client, i ? "pthread_exit" : NULL);
		HANDLE scp = accept_port(port);

		pthread_join(t, NULL);
		receive(port, "the thread");
		receive(port, "the thread");
		receive(port, NULL);
		must(NtClose(clp));
		tid = gettid_();
		receive(port, "who closed it");
		must(NtClose(scp));
	}
	return 0;
}

static pthread_key_t key;
static HANDLE port;

static void ended(void *unused)
{
	PORT_MESSAGE_BUFFER m = message("x");
	LARGE_INTEGER zero = {.QuadPart = 0};

	(void)unused;
	tell(NtReplyWaitReceivePortEx(port, NULL, NULL, &m.h, &zero));
	tell(NtRequestPort(port, &m.h));
	tell(NtClose(port));
}

static void *lives(void *unused)
{
	(void)unused;
	pthread_setspecific(key, &key);
	tell(NtQueryInformationPort(port, 0, NULL, 0, NULL));
	return NULL;
}

static int after(void)
{
	port = create_port(NAME);
	pthread_key_create(&key, ended); /* behind the library's */
	pthread_join(start(lives, NULL), NULL);
	tell(NtClose(port));
	return 0;
}

/* calls are what a forked child tries. */
static int calls(const char *how, HANDLE h)
{
	PORT_MESSAGE_BUFFER m = message("x");
	OBJECT_ATTRIBUTES oa;

	InitializeObjectAttributes(&oa, named("\\Life\\Child"), 0, NULL, NULL);
	if (NtCreatePort(&h, &oa, 0, 0, 0) != STATUS_NOT_SUPPORTED || NtRequestPort(h, &m.h) != STATUS_NOT_SUPPORTED ||
		NtReplyWaitReceivePort(h, NULL, NULL, &m.h) != STATUS_NOT_SUPPORTED || NtClose(h) != STATUS_NOT_SUPPORTED ||
		lpc_safe_probe(-1) != -1)
		return 1;
	say("%s: a child's calls: NOT_SUPPORTED", how);
	return 0;
}

static void *first(void *h)
{
	exit(calls("a thread of a forked child", h));
}

static void child(pid_t pid, const char *how)
{
	int status = -1;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		say("%s: the child ended with status %#x", how, (unsigned)status);
}

static void *forking(void *h)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (calls("fork from a thread", h) != 0)
			_exit(1);
		pthread_exit(NULL); /* the last thread: the process ends with 0 */
	}
	child(pid, "fork from a thread");
	return NULL;
}

static int forks(void)
{
	HANDLE h = create_port(NAME);
	pid_t pid;

	if ((pid = fork()) == 0)
		exit(calls("fork", h));
	child(pid, "fork");
	if ((pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL)) == 0)
		_exit(calls("clone", h));
	child(pid, "clone");
	if ((pid = fork()) == 0) {
		pthread_join(start(first, h), NULL);
		_exit(1);
	}
	child(pid, "a thread of a forked child");
	pthread_join(start(forking, h), NULL);
	tell(NtClose(h));
	return 0;
}

static int server(const char *name)
{
	HANDLE h = create_port(name);
	PORT_MESSAGE_BUFFER m;

	say("ready");
	accept_port(h);
	do {
		must(NtReplyWaitReceivePort(h, NULL, NULL, &m.h));
		say("%s %ld.%ld", type_of(&m), (long)m.h.ClientId.UniqueProcess, (long)m.h.ClientId.UniqueThread);
	} while (m.h.Type != LPC_PORT_CLOSED);
	return 0;
}

/* forked makes a child that holds all that its parent has but input and output, and does
 * nothing until the test kills it, or for a minute. */
static void forked(const char *how)
{
	pid_t pid;

	if (strcmp(how, "fork") != 0)
		return;
	if ((pid = fork()) == 0) {
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		sleep(60);
		_exit(0);
	}
	say("%d", (int)pid);
}

/* A server that is killed with a connection request or with a request in its hands. */
static int holds(const char *name, const char *what, const char *how)
{
	PORT_MESSAGE_BUFFER m;
	HANDLE h = create_port(name), conn;

	forked(how);
	say("ready");
	must(NtListenPort(h, &m.h));
	if (strcmp(what, "request") == 0) {
		must(NtAcceptConnectPort(&conn, NULL, &m.h, TRUE, NULL, NULL));
		must(NtCompleteConnectPort(conn));
		must(NtReplyWaitReceivePort(h, NULL, NULL, &m.h));
	}
	say("holds");
	getchar();
	return 0;
}

static int asks(const char *name)
{
	PORT_MESSAGE_BUFFER m = message("question");
	NTSTATUS s = NtConnectPort(&clp, named(name), &quality, NULL, NULL, NULL, NULL, NULL);

	say("NtConnectPort: %s", brief(s));
	if (s == STATUS_SUCCESS)
		tell(NtRequestWaitReplyPort(clp, &m.h, &m.h));
	return 0;
}

static void *waits(void *unused)
{
	PORT_MESSAGE_BUFFER m;

	(void)unused;
	must(NtRegisterThreadTerminatePort(clp));
	say("%ld", gettid_());
	NtReplyWaitReceivePort(clp, NULL, NULL, &m.h);
	return NULL;
}

static int joins(const char *name, const char *how)
{
	clp = connect_port(name);
	must(NtRegisterThreadTerminatePort(clp));
	forked(how);
	start(waits, NULL);
	if (getchar() == EOF)
		return 1;
	if (strcmp(how, "main") == 0)
		pthread_exit(NULL);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "threads") == 0)
		return threads();
	if (argc == 2 && strcmp(argv[1], "after") == 0)
		return after();
	if (argc == 2 && strcmp(argv[1], "fork") == 0)
		return forks();
	if (argc == 3 && strcmp(argv[1], "server") == 0)
		return server(argv[2]);
	if (argc == 5 && strcmp(argv[1], "holds") == 0)
		return holds(argv[2], argv[3], argv[4]);
	if (argc == 3 && strcmp(argv[1], "asks") == 0)
		return asks(argv[2]);
	if (argc == 4 && strcmp(argv[1], "client") == 0)
		return joins(argv[2], argv[3]);
	return 2;
}
