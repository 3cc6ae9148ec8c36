/*
 * bench: how long a request and its reply take from C.
 *
 *   bench [calls [bytes [rounds]]]         a server process and a client process
 *   bench server NAME                      the server alone
 *   bench client NAME calls bytes rounds   the client alone
 *
 * The client prints one line for each round: the mean of its calls in nanoseconds.
 */
#define _GNU_SOURCE
#define NAME "bench"
#include "example.h"

#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* serve answers each request with its own data, until the client's port closes. */
static int serve(const char *name)
{
	WCHAR room[LONGEST_NAME + 1];
	UNICODE_STRING u;
	OBJECT_ATTRIBUTES oa;
	PORT_MESSAGE_BUFFER m;
	PPORT_MESSAGE reply = NULL;
	HANDLE port, conn;

	named(&u, room, name);
	InitializeObjectAttributes(&oa, &u, OBJ_CASE_INSENSITIVE, NULL, NULL);
	must(NtCreatePort(&port, &oa, 0, sizeof(m), 0), "NtCreatePort");
	puts("ready");
	fflush(stdout);
	must(NtListenPort(port, &m.h), "NtListenPort");
	must(NtAcceptConnectPort(&conn, NULL, &m.h, TRUE, NULL, NULL), "NtAcceptConnectPort");
	must(NtCompleteConnectPort(conn), "NtCompleteConnectPort");
	for (;;) {
		must(NtReplyWaitReceivePort(port, NULL, reply, &m.h), "NtReplyWaitReceivePort");
		if (m.h.Type == LPC_PORT_CLOSED)
			return 0;
		reply = m.h.Type == LPC_REQUEST ? &m.h : NULL;
	}
}

static int call(const char *name, long calls, int bytes, int rounds)
{
	SECURITY_QUALITY_OF_SERVICE qos = {sizeof(qos), SecurityImpersonation, SECURITY_STATIC_TRACKING, TRUE};
	WCHAR room[LONGEST_NAME + 1];
	UNICODE_STRING u;
	PORT_MESSAGE_BUFFER m;
	HANDLE port;

	if (calls < 1 || bytes < 0 || bytes > PORT_MAXIMUM_DATA_LENGTH || rounds < 1) {
		fprintf(stderr, "bench: at least 1 call and 1 round, 0 to %d bytes\n", PORT_MAXIMUM_DATA_LENGTH);
		return 2;
	}
	named(&u, room, name);
	must(NtConnectPort(&port, &u, &qos, NULL, NULL, NULL, NULL, NULL), "NtConnectPort");
	memset(&m, 0, sizeof(m));
	for (int r = 0; r <= rounds; r++) { /* the first is not told */
		struct timespec from, to;

		clock_gettime(CLOCK_MONOTONIC, &from);
		for (long i = 0; i < calls; i++) {
			m.h.Type = LPC_NEW_MESSAGE;
			m.h.DataLength = (USHORT)bytes;
			m.h.TotalLength = (USHORT)(bytes + sizeof(m.h));
			must(NtRequestWaitReplyPort(port, &m.h, &m.h), "NtRequestWaitReplyPort");
		}
		clock_gettime(CLOCK_MONOTONIC, &to);
		if (r > 0) {
			printf("%d bytes: %.0f ns per call\n", bytes,
				((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / (double)calls);
			fflush(stdout);
		}
	}
	must(NtClose(port), "NtClose");
	return 0;
}

/* both starts the server as a process of its own, which fork alone would not do: see
 * lpc.h. */
static int both(long calls, int bytes, int rounds)
{
	char name[64], line[8];
	int ends[2], status = 1;
	pid_t server;

	snprintf(name, sizeof(name), "\\Bench\\%d", (int)getpid());
	if (pipe(ends) != 0) {
		perror("bench: pipe");
		return 1;
	}
	server = fork();
	if (server == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execl("/proc/self/exe", "bench", "server", name, (char *)NULL);
		perror("bench: starting the server");
		_exit(1);
	}
	close(ends[1]);
	if (server < 0 || read(ends[0], line, sizeof(line)) <= 0) {
		fprintf(stderr, "bench: the server did not start\n");
		return 1;
	}
	status = call(name, calls, bytes, rounds);
	waitpid(server, NULL, 0);
	return status;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "server") == 0)
		return serve(argv[2]);
	if (argc == 6 && strcmp(argv[1], "client") == 0)
		return call(argv[2], atol(argv[3]), atoi(argv[4]), atoi(argv[5]));
	return both(argc > 1 ? atol(argv[1]) : 200000, argc > 2 ? atoi(argv[2]) : 32, argc > 3 ? atoi(argv[3]) : 5);
}
