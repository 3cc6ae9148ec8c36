// Package stack walks call stacks of a stopped machine: x86 along frame pointers and
// by the functions' debug information (FPO) where the caller has some, x64 by the
// unwind data of images, ARM64 along frame records, and all by a checked scan of the
// stack where that does not lead on.
//
// A scan takes a word of the stack for a return address when it points into an
// image's code behind a call instruction; where the code's bytes are not in memory it
// says that it could not check. So each frame bears the method by which it was found,
// and whoever prints it must print that too: a frame found by a scan may be left
// over from an earlier call.
//
// It reads memory through an interface of its own, so that a dump, a target of the
// debugger and a test's bytes will do. It knows no symbols and prints nothing.
// Every walk is bounded by its Max and by the stack; a Walk does not change after
// it was made.
package stack
