package engine

import (
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/section"
)

// The addresses here are ones that a thread of this process named in a message: they may
// be any. It is sound because they are touched only in copyAt, under section.Guard, which
// turns a fault into an error, or by the kernel, and only while the thread that named
// them waits.

// byKernel: the program has SIGSEGV for itself, so no fault comes to the Go runtime.
// Written by SafeProbe, read for each copy; a copy under way keeps to what it has read.
var byKernel atomic.Bool

// SafeProbe chooses how addresses of the program's are touched: on, by the kernel
// (process_vm_readv(2) and its twin), else here, with faults recovered.
func SafeProbe(on bool) { byKernel.Store(on) }

const (
	firstPage = 1 << 12 // nothing is mapped below (vm.mmap_min_addr)
	userTop   = 1 << 57 // no user address is above it on any architecture that Go has
)

// copyAt copies between the memory at base and ours, which is as long; out: to base. It
// tells whether all could be touched.
func copyAt(base uint64, ours []byte, out bool) bool {
	n := uint64(len(ours))
	switch {
	case n == 0:
		return true
	case base < firstPage, base > userTop-n:
		return false // Go calls a fault in the first page a nil dereference, and a slice ends in the address space
	}
	if byKernel.Load() {
		f := unix.ProcessVMReadv
		if out {
			f = unix.ProcessVMWritev
		}
		local := unix.Iovec{Base: unsafe.SliceData(ours)}
		local.SetLen(len(ours))
		k, err := f(unix.Getpid(), []unix.Iovec{local}, []unix.RemoteIovec{{Base: uintptr(base), Len: len(ours)}}, 0)
		return err == nil && uint64(k) == n
	}
	theirs := unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&base))), n)
	if out {
		ours, theirs = theirs, ours
	}
	return section.Guard(func() { section.Copy(ours, theirs) }) == nil
}
