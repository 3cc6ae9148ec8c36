/* How a call in C finds its thread and crosses into Go. See thread.c. */
#ifndef LPC_SHIM_H
#define LPC_SHIM_H

#include "lpc.h"

/* lpc_alive points to 1, and to 0 in a forked child. */
extern volatile uint32_t *lpc_alive;

/* lpc_self is the calling thread's number in Go, 0 before its first call. */
#define LPC_ENDED 0xffffffffu
extern __thread uint32_t lpc_self __attribute__((tls_model("initial-exec")));

/* lpc_first makes the calling thread known, or says why there will be no call. */
NTSTATUS lpc_first(void);

/* lpc_look looks whose handler SIGSEGV has, and has Go choose how to touch memory. */
int lpc_look(int mode);

#define ENTER() \
	do { \
		if (__builtin_expect(*lpc_alive == 0 || lpc_self - 1 >= LPC_ENDED - 1, 0)) { \
			NTSTATUS lpc_s = lpc_first(); \
			if (lpc_s != STATUS_SUCCESS) \
				return lpc_s; \
		} \
	} while (0)

#endif
