/* A kernel for tests of symbols: functions that call each other as those of the
   stack in the seed do, globals, and a structure that nothing else describes. */
typedef struct _LIST_ENTRY {
	struct _LIST_ENTRY *Flink, *Blink;
} LIST_ENTRY;

typedef struct _MARKER {
	unsigned long Magic;
	LIST_ENTRY Links;
	unsigned short State : 3, Rest : 13;
	void (*Routine)(int);
} MARKER;

MARKER Marker = {0x4b4d5244};
unsigned long MmTotalFreeSystemPtes = 1234;
volatile int Sink;

__attribute__((noinline)) int KiSwapContext(int a) {
	Sink = a;
	return Sink;
}

__attribute__((noinline)) int KiSwapThread(int a) {
	return KiSwapContext(a) + Sink;
}

__attribute__((noinline)) int KeWaitForSingleObject(int a, int b) {
	return KiSwapThread(a) + b + Sink;
}

__attribute__((noinline)) int NtReplyWaitReceivePortEx(int a, int b) {
	return KeWaitForSingleObject(a, b) + Sink + (int)Marker.Magic;
}

int entry(void) { return NtReplyWaitReceivePortEx(1, 2) + Sink + (int)MmTotalFreeSystemPtes; }
