// Functions with prologues of every kind, compiled for Windows x64: their unwind data
// is what the compiler makes. run.c carries them out one instruction after the other.

#define EXPORT __declspec(dllexport)
#define NOINLINE __attribute__((noinline))

volatile int sink;
volatile double real = 1.5;

NOINLINE static int leaf(int a, int b) { return a * b + sink; } // no frame, no unwind data

NOINLINE static int small(int a) { return leaf(a, 3) + 1; } // a few bytes

NOINLINE static int saved(int a, int b, int c, int d, int e, int f) { // nonvolatile registers pushed
	int x = leaf(a, b), y = leaf(c, d), z = leaf(e, f);
	x += small(y), y += small(z), z += small(x);
	return x + y + z + a + b + c + d + e + f;
}

NOINLINE static int large(int a) { // a large allocation
	volatile char buffer[0x1800];
	for (unsigned i = 0; i < sizeof buffer; i += 0x200)
		buffer[i] = (char)(a + i);
	return saved(a, buffer[0], buffer[0x200], 4, 5, 6) + buffer[0x400];
}

NOINLINE static int huge(int a) { // one whose size needs 32 bits
	volatile char buffer[0x90000];
	buffer[a & 0xff] = 1;
	return small(a) + buffer[a & 0xff];
}

NOINLINE static int dynamic(int n) { // a frame pointer
	volatile char *p = __builtin_alloca(16 + (n & 63));
	p[0] = (char)n;
	p[1] = (char)saved(n, 2, 3, p[0], 5, n);
	return p[0] + p[1] + small(n);
}

NOINLINE static double floats(double a, double b) { // XMM registers saved
	double x = a * real, y = b * real, z = x * y;
	sink = leaf(1, 2);
	z += x * real;
	sink = small(sink);
	return x + y * z + a - b;
}

NOINLINE static int recursive(int n) {
	volatile int local[8];
	local[n & 7] = n;
	if (n == 0)
		return small(n);
	return recursive(n - 1) + local[n & 7];
}

NOINLINE static int early(int n) { // returns before its registers are saved
	if (n > 100)
		return n;
	return saved(n, n + 1, n + 2, n + 3, n + 4, n + 5);
}

NOINLINE static int tail(int n) { // ends with a jump
	sink = leaf(n, n);
	return small(n + 1);
}

EXPORT int entry(int n) {
	int r = large(n) + dynamic(n) + (int)floats(n, 2) + recursive(4) + early(n) + early(n + 1000) + tail(n) + huge(n);
	return r + leaf(r, n);
}

int _fltused;
