/* example.h: what the examples share that shows nothing. A program says its NAME first. */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <lpc.h>
#include <stdio.h>
#include <stdlib.h>

/* must ends the program unless a call succeeded. */
static void must(NTSTATUS status, const char *call)
{
	if (status != STATUS_SUCCESS) {
		fprintf(stderr, NAME ": %s: %s\n", call, lpc_status_name(status));
		exit(1);
	}
}

#define LONGEST_NAME 200

/* named makes a UNICODE_STRING of ASCII; room takes LONGEST_NAME characters and a 0. */
static void named(UNICODE_STRING *u, WCHAR *room, const char *name)
{
	size_t n = 0;

	for (; name[n] && n < LONGEST_NAME; n++)
		room[n] = (WCHAR)(unsigned char)name[n];
	room[n] = 0;
	RtlInitUnicodeString(u, room);
}

#endif
