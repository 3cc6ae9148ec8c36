/*
 * handshake: a connection and a request, step by step, as NT programs make them.
 *
 *   handshake              server and client as two threads of one process
 *   handshake server NAME  the server
 *   handshake client NAME  the client
 *
 *   cc handshake.c $(pkg-config --cflags --libs lpc) -lpthread -o handshake
 */
#define NAME "handshake"
#include "example.h"

#include <pthread.h>
#include <string.h>

static void say(const char *line)
{
	puts(line);
	fflush(stdout);
}

static void quote(const char *line, const PORT_MESSAGE_BUFFER *m)
{
	printf("%s: \"%.*s\"\n", line, m->h.DataLength, (const char *)m->Data);
	fflush(stdout);
}

/* set gives a message its data. */
static void set(PORT_MESSAGE_BUFFER *m, const char *text)
{
	size_t n = strlen(text);

	memcpy(m->Data, text, n);
	m->h.DataLength = (USHORT)n;
	m->h.TotalLength = (USHORT)(sizeof(m->h) + n);
}

static HANDLE create(const char *name)
{
	WCHAR room[LONGEST_NAME + 1];
	UNICODE_STRING u;
	OBJECT_ATTRIBUTES oa;
	HANDLE port;

	named(&u, room, name);
	InitializeObjectAttributes(&oa, &u, OBJ_CASE_INSENSITIVE, NULL, NULL);
	must(NtCreatePort(&port, &oa, PORT_MAXIMUM_CONNECTION_INFORMATION, PORT_TOTAL_MAXIMUM_MESSAGE_LENGTH, 0), "NtCreatePort");
	say("server: NtCreatePort");
	return port;
}

static void serve(HANDLE port)
{
	PORT_MESSAGE_BUFFER m;
	HANDLE client;

	say("server: NtListenPort, waits");
	must(NtListenPort(port, &m.h), "NtListenPort");
	quote("server: NtListenPort returns a connection request", &m);
	set(&m, "welcome"); /* for the client's connection information */
	must(NtAcceptConnectPort(&client, NULL, &m.h, TRUE, NULL, NULL), "NtAcceptConnectPort");
	say("server: NtAcceptConnectPort");
	say("server: NtCompleteConnectPort");
	must(NtCompleteConnectPort(client), "NtCompleteConnectPort");

	say("server: NtReplyWaitReceivePort, waits");
	must(NtReplyWaitReceivePort(port, NULL, NULL, &m.h), "NtReplyWaitReceivePort");
	if (m.h.Type != LPC_REQUEST)
		exit(1);
	quote("server: NtReplyWaitReceivePort returns a request", &m);
	set(&m, "four"); /* ClientId and MessageId stay: they say what this answers */
	say("server: NtReplyWaitReceivePort with the reply, waits");
	must(NtReplyWaitReceivePort(port, NULL, &m.h, &m.h), "NtReplyWaitReceivePort");
	if (m.h.Type != LPC_PORT_CLOSED)
		exit(1);
	say("server: NtReplyWaitReceivePort returns LPC_PORT_CLOSED");
	must(NtClose(client), "NtClose");
	must(NtClose(port), "NtClose");
}

static void call(const char *name)
{
	SECURITY_QUALITY_OF_SERVICE qos = {sizeof(qos), SecurityImpersonation, SECURITY_STATIC_TRACKING, TRUE};
	WCHAR room[LONGEST_NAME + 1];
	UNICODE_STRING u;
	PORT_MESSAGE_BUFFER m;
	char info[] = "let me in"; /* and room for what comes back: at most as much as is given */
	ULONG length = sizeof(info) - 1, most;
	HANDLE port;

	memset(&m, 0, sizeof(m));
	named(&u, room, name);
	say("client: NtConnectPort, waits");
	must(NtConnectPort(&port, &u, &qos, NULL, NULL, &most, info, &length), "NtConnectPort");
	printf("client: NtConnectPort returns: \"%.*s\", messages of at most %#x bytes\n", (int)length, info, most);

	set(&m, "two and two");
	say("client: NtRequestWaitReplyPort, waits");
	must(NtRequestWaitReplyPort(port, &m.h, &m.h), "NtRequestWaitReplyPort");
	quote("client: NtRequestWaitReplyPort returns the reply", &m);
	say("client: NtClose");
	must(NtClose(port), "NtClose");
}

static void *client(void *name)
{
	call(name);
	return NULL;
}

int main(int argc, char **argv)
{
	char name[64] = "\\Example\\Handshake";
	pthread_t thread;
	HANDLE port;

	if (argc == 3 && strcmp(argv[1], "server") == 0) {
		serve(create(argv[2]));
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "client") == 0) {
		call(argv[2]);
		return 0;
	}
	port = create(name);
	if (pthread_create(&thread, NULL, client, name) != 0)
		return 1;
	serve(port);
	pthread_join(thread, NULL);
	return 0;
}
