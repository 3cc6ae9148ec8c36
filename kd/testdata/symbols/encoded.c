/* A kernel whose debugger data block is encoded: the sections by which its image is
   known, and the variables that decode the block. */
typedef unsigned long long u64;

u64 KdDebuggerDataBlock[0x70] = {1};
u64 KiWaitNever = 1, KiWaitAlways = 1;
unsigned char KdpDataBlockEncoded = 1;
volatile int Sink;

__attribute__((noinline, section("PAGELK"))) int MmLock(int a) {
	Sink = a;
	return Sink;
}

__attribute__((noinline, section("POOLCODE"))) int ExAllocate(int a) {
	return MmLock(a) + Sink;
}

int entry(void) { return ExAllocate(1) + Sink + (int)KdDebuggerDataBlock[0] + (int)KiWaitNever + (int)KiWaitAlways + KdpDataBlockEncoded; }
