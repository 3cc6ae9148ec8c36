/* A driver for tests of symbols. */
typedef struct _GREEDY_EXTENSION {
	void *Device;
	unsigned long Blocks;
	unsigned char Name[8];
} GREEDY_EXTENSION;

GREEDY_EXTENSION Extension = {0, 246479, "greedy"};
volatile int Taken;

__attribute__((noinline)) int GreedyAllocate(int size) {
	Taken += size;
	return Taken;
}

__attribute__((noinline)) int GreedyDispatch(int code) {
	return GreedyAllocate(code) + Taken;
}

int entry(void) { return GreedyDispatch(7) + Taken + (int)Extension.Blocks; }
