// Package stackcheck says whether a machine stopped because a kernel stack was
// used up, and by whom: for bug checks 7F with a double fault, 1E, 7E and 8E with
// an access violation, 2B, and their _M variants.
//
// Check finds the interrupted registers as the bug check's parameters tell (task
// state segment, trap frame, context), the thread and its stack's bounds, and holds
// one against the other; then it walks the stack and adds up who used it. The
// thresholds are those of the debugger reference, section 2. The verdict is one
// sentence with its evidence and a confidence; what is not known is said, and a
// saved stack pointer of a running thread (KernelStack) is never evidence, since
// it is stale.
//
// A machine has one thread that stopped it, which need not be the first processor's:
// the thread is that on whose stack the interrupted stack pointer is. Of Itanium the
// bounds of the stack and of the backing store are held against both pointers;
// nothing is unwound.
//
// It prints only to the io.Writer that WriteText is given, with everything that comes
// from the dump escaped, and knows no symbols: a place in code is module+offset.
package stackcheck
