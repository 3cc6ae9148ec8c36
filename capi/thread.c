//go:build cgo && linux

/*
 * What a C program can do to a library: end threads, fork, replace signal handlers.
 */
#define _GNU_SOURCE
#include "shim.h"
#include "_cgo_export.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

static volatile uint32_t fallback = 1;
volatile uint32_t *lpc_alive = &fallback;
__thread uint32_t lpc_self __attribute__((tls_model("initial-exec")));

static pthread_key_t key;
static int has_key;

/* ended is the key's destructor: it runs in the thread that ends, on its own or by
 * pthread_exit. A thread of a forked child is not known to Go. */
static void ended(void *unused)
{
	uint32_t n = lpc_self;

	(void)unused;
	lpc_self = LPC_ENDED;
	if (*lpc_alive && n != 0 && n != LPC_ENDED)
		lpcgoThreadExit(n);
}

static void forked(void)
{
	*lpc_alive = 0;
}

/*
 * A forked child has the memory of the Go runtime and none of its threads: the first
 * call that waits for one of them would wait for ever. So a page that the kernel fills
 * with 0 in every child (madvise(2)) tells a child, however it was made; the handler is
 * for kernels that lack that.
 */
__attribute__((constructor)) static void loaded(void)
{
	long size = sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page != MAP_FAILED && madvise(page, (size_t)size, MADV_WIPEONFORK) == 0) {
		*(volatile uint32_t *)page = 1;
		lpc_alive = page;
	}
	pthread_atfork(NULL, NULL, forked);
	has_key = pthread_key_create(&key, ended) == 0;
}

NTSTATUS lpc_first(void)
{
	uint32_t n;

	if (*lpc_alive == 0)
		return STATUS_NOT_SUPPORTED;
	if (lpc_self == LPC_ENDED)
		return STATUS_THREAD_IS_TERMINATING;
	lpc_look(-1);
	if (!has_key || pthread_setspecific(key, &key) != 0)
		return STATUS_INSUFFICIENT_RESOURCES;
	n = lpcgoThread();
	if (n == 0)
		return STATUS_INSUFFICIENT_RESOURCES;
	lpc_self = n;
	return STATUS_SUCCESS;
}

/* ours tells whether a fault would come to the Go runtime: the handler stands in this
 * library. One from elsewhere may chain to it, which nobody can see from here. */
static int ours(void)
{
	struct sigaction sa;
	Dl_info handler, self;

	if (sigaction(SIGSEGV, NULL, &sa) != 0 || !(sa.sa_flags & SA_SIGINFO))
		return 0;
	if (!dladdr((void *)sa.sa_sigaction, &handler) || !dladdr((void *)lpc_look, &self))
		return 0;
	return handler.dli_fbase == self.dli_fbase;
}

int lpc_look(int mode)
{
	const char *env = getenv("LPC_SAFE_PROBE");

	if (env && (env[0] == '0' || env[0] == '1') && env[1] == 0)
		mode = env[0] - '0';
	else if (mode < 0)
		mode = !ours();
	return lpcgoSafeProbe(mode);
}

int lpc_safe_probe(int mode)
{
	return *lpc_alive ? lpc_look(mode) : -1;
}

int lpc_event_fd(HANDLE Handle)
{
	return *lpc_alive ? lpcgoEventFD((uintptr_t)Handle) : -1;
}

const char *lpc_status_name(NTSTATUS Status)
{
	return *lpc_alive ? lpcgoStatusName((uint32_t)Status) : "unknown in a forked child";
}
