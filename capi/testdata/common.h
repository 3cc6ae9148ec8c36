/* common.h: what the test programs share. */
#ifndef COMMON_H
#define COMMON_H

#define _GNU_SOURCE
#include <lpc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* brief is a status without STATUS_. */
static inline const char *brief(NTSTATUS s)
{
	return lpc_status_name(s) + strlen("STATUS_");
}

/* must ends the program unless a call succeeded. */
#define must(call) must_(call, #call, __LINE__)
static inline void must_(NTSTATUS s, const char *call, int line)
{
	if (s != STATUS_SUCCESS) {
		fprintf(stderr, "line %d: %s: %s\n", line, call, lpc_status_name(s));
		exit(1);
	}
}

/* tell prints what a call gave. */
#define tell(call) say("%s: %s", #call, brief(call))
#define say(format, ...) (printf(format "\n", ##__VA_ARGS__), fflush(stdout))

static inline UNICODE_STRING *named(const char *name)
{
	static __thread WCHAR room[256];
	static __thread UNICODE_STRING u;
	size_t n = 0;

	for (; name[n] && n < 255; n++)
		room[n] = (WCHAR)(unsigned char)name[n];
	room[n] = 0;
	RtlInitUnicodeString(&u, room);
	return &u;
}

static inline HANDLE create_port(const char *name)
{
	OBJECT_ATTRIBUTES oa;
	HANDLE h = NULL;

	InitializeObjectAttributes(&oa, named(name), OBJ_CASE_INSENSITIVE, NULL, NULL);
	must(NtCreatePort(&h, &oa, PORT_MAXIMUM_CONNECTION_INFORMATION, PORT_TOTAL_MAXIMUM_MESSAGE_LENGTH, 0));
	return h;
}

static SECURITY_QUALITY_OF_SERVICE quality __attribute__((unused)) = {sizeof(quality), SecurityImpersonation, SECURITY_STATIC_TRACKING, TRUE};

static inline HANDLE connect_port(const char *name)
{
	HANDLE h = NULL;

	must(NtConnectPort(&h, named(name), &quality, NULL, NULL, NULL, NULL, NULL));
	return h;
}

/* accept_port lets the next that asks in. */
static inline HANDLE accept_port(HANDLE port)
{
	PORT_MESSAGE_BUFFER m;
	HANDLE h = NULL;

	must(NtListenPort(port, &m.h));
	must(NtAcceptConnectPort(&h, NULL, &m.h, TRUE, NULL, NULL));
	must(NtCompleteConnectPort(h));
	return h;
}

static inline void set(PORT_MESSAGE_BUFFER *m, const void *data, size_t n)
{
	memmove(m->Data, data, n);
	m->h.DataLength = (USHORT)n;
	m->h.TotalLength = (USHORT)(sizeof(m->h) + n);
}

static inline PORT_MESSAGE_BUFFER message(const char *text)
{
	PORT_MESSAGE_BUFFER m;

	memset(&m, 0, sizeof(m));
	set(&m, text, strlen(text));
	return m;
}

static inline const char *type_of(const PORT_MESSAGE_BUFFER *m)
{
	static const char *const names[] = {"LPC_NEW_MESSAGE", "LPC_REQUEST", "LPC_REPLY", "LPC_DATAGRAM", "LPC_LOST_REPLY",
		"LPC_PORT_CLOSED", "LPC_CLIENT_DIED", "LPC_EXCEPTION", "LPC_DEBUG_EVENT", "LPC_ERROR_EVENT", "LPC_CONNECTION_REQUEST"};

	return m->h.Type >= 0 && m->h.Type <= LPC_CONNECTION_REQUEST ? names[m->h.Type] : "?";
}

static inline pthread_t start(void *(*f)(void *), void *arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, f, arg) != 0)
		exit(1);
	return t;
}

static inline long gettid_(void) { return syscall(SYS_gettid); }
#endif
