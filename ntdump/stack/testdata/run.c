// Loads an image of Windows x64 and runs its export, one instruction after the
// other, by the trap flag. For each instruction in the image it writes a record: where
// the stack ends, the registers, the return addresses that calls have pushed, the
// stack. Usage: run IMAGE OUT

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static uint8_t *base;
static uint32_t size;
static int out;
static uint64_t top, shadow[256], depth;
static uint8_t *before;

// The order of unwind codes.
static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static void put(const void *p, size_t n) {
	if (write(out, p, n) != (ssize_t)n)
		_exit(3);
}

static int in(const uint8_t *p) { return p >= base && p < base + size; }

static void step(int sig, siginfo_t *info, void *context) {
	(void)sig, (void)info;
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	uint8_t *rip = (uint8_t *)r[REG_RIP];
	if (before && before[0] == 0xe8) // a call pushed where it returns to
		shadow[depth++] = *(uint64_t *)r[REG_RSP];
	else if (!before && in(rip))
		shadow[depth++] = *(uint64_t *)r[REG_RSP], top = r[REG_RSP] + 8;
	else if (before && (before[0] == 0xc3 || before[0] == 0xc2))
		depth--;
	before = in(rip) ? rip : 0;
	if (!before || depth > 200)
		return;
	uint64_t words[20], n = top - r[REG_RSP];
	words[0] = (uint64_t)rip, words[1] = top, words[2] = depth, words[3] = n;
	for (int i = 0; i < 16; i++)
		words[4 + i] = r[order[i]];
	put(words, sizeof words);
	put(shadow, depth * 8);
	put((void *)r[REG_RSP], n);
}

static uint32_t u32(size_t at) { uint32_t v; memcpy(&v, base + at, 4); return v; }

int main(int argc, char **argv) {
	int f = argc == 3 ? open(argv[1], O_RDONLY) : -1;
	static uint8_t file[1 << 20];
	ssize_t n = f < 0 ? -1 : read(f, file, sizeof file);
	if (n < 0x400)
		return 2;
	uint8_t *nt = file + *(uint32_t *)(file + 0x3c);
	size = *(uint32_t *)(nt + 0x50);
	base = mmap((void *)*(uint64_t *)(nt + 0x30), size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (base == MAP_FAILED)
		return 2;
	memcpy(base, file, *(uint32_t *)(nt + 0x54));
	uint8_t *section = nt + 0x18 + *(uint16_t *)(nt + 0x14);
	for (int i = 0; i < *(uint16_t *)(nt + 6); i++, section += 0x28)
		memcpy(base + *(uint32_t *)(section + 12), file + *(uint32_t *)(section + 20), *(uint32_t *)(section + 16));
	uint32_t exports = *(uint32_t *)(nt + 0x88);
	// The linker leaves the first place empty.
	int (*entry)(int) __attribute__((ms_abi)) = (void *)(base + u32(u32(exports + 0x1c) + 4 * (u32(exports + 0x14) - 1)));
	out = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);

	stack_t alt = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
	sigaltstack(&alt, 0);
	struct sigaction a = {.sa_sigaction = step, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	sigaction(SIGTRAP, &a, 0);
	__asm__ volatile("pushfq; orq $0x100,(%%rsp); popfq" ::: "memory", "cc");
	int r = entry(7);
	__asm__ volatile("pushfq; andq $~0x100,(%%rsp); popfq" ::: "memory", "cc");
	printf("%d\n", r);
	return 0;
}
