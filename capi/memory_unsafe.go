//go:build cgo && linux

package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/nt"
)

// This file is the only one that touches memory by an address that a C program gave.
// Each access is guarded: by default it is made under debug.SetPanicOnFault, and a fault
// is recovered; in safe mode the kernel makes it (process_vm_readv(2) and its twin),
// because the program has taken SIGSEGV for itself. Both give StatusAccessViolation.
// That is sound because an address is only ever copied from or to, here, and what Go
// owns is never named by one.

// safe is the mode: addresses are not touched but by the kernel.
var safe atomic.Bool

var pid = os.Getpid()

const (
	firstPage = 1 << 12 // nothing is mapped below (vm.mmap_min_addr), and Go calls a fault there a nil dereference
	userTop   = 1 << 52 // above what any architecture gives to a process
	pageSize  = 1 << 12 // the smallest there is
)

// check is the part of a probe that needs no memory: alignment first, as NT has it.
// Nothing is asked of an address of no bytes.
func check(p, n, align uintptr) nt.Status {
	switch {
	case n == 0:
		return nt.StatusSuccess
	case p&(align-1) != 0:
		return nt.StatusDatatypeMisalignment
	case p < firstPage, p > userTop, n > userTop-p:
		return nt.StatusAccessViolation
	}
	return nt.StatusSuccess
}

// pointer makes an address a pointer, to be used under a guard only.
func pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

// unguard puts the setting back and turns a fault into a status. It is deferred.
func unguard(old bool, s *nt.Status) {
	debug.SetPanicOnFault(old)
	switch r := recover().(type) {
	case nil:
	case interface {
		runtime.Error
		Addr() uintptr // a fault has one (debug.SetPanicOnFault)
	}:
		*s = nt.StatusAccessViolation
	default:
		panic(r)
	}
}

// move copies n bytes between an address of C's and memory of Go's, which out says the
// direction of. ours must not be an address of C's.
func move(p uintptr, ours unsafe.Pointer, n uintptr, out bool) (s nt.Status) {
	if safe.Load() {
		return moveByKernel(p, ours, n, out)
	}
	defer unguard(debug.SetPanicOnFault(true), &s)
	theirs, mine := unsafe.Slice((*byte)(pointer(p)), n), unsafe.Slice((*byte)(ours), n)
	if out {
		copy(theirs, mine)
	} else {
		copy(mine, theirs)
	}
	return nt.StatusSuccess
}

func moveByKernel(p uintptr, ours unsafe.Pointer, n uintptr, out bool) nt.Status {
	f := unix.ProcessVMReadv
	if out {
		f = unix.ProcessVMWritev
	}
	for n > 0 { // more than 2 GiB are several calls
		local := unix.Iovec{Base: (*byte)(ours)}
		local.SetLen(int(n))
		k, err := f(pid, []unix.Iovec{local}, []unix.RemoteIovec{{Base: p, Len: int(n)}}, 0)
		if err != nil || k <= 0 {
			return nt.StatusAccessViolation
		}
		p, ours, n = p+uintptr(k), unsafe.Add(ours, k), n-uintptr(k)
	}
	return nt.StatusSuccess
}

// probe tells whether n bytes may be written, without changing one: each page is
// or-ed with 0, so that a thread that writes there meanwhile loses nothing.
func probe(p, n, align uintptr) (s nt.Status) {
	if s := check(p, n, align); s != nt.StatusSuccess || n == 0 {
		return s
	}
	if safe.Load() {
		for a := p; a < p+n; a = (a + pageSize) &^ (pageSize - 1) {
			if !orByKernel(a &^ 3) {
				return nt.StatusAccessViolation
			}
		}
		return nt.StatusSuccess
	}
	defer unguard(debug.SetPanicOnFault(true), &s)
	for a := p; a < p+n; a = (a + pageSize) &^ (pageSize - 1) {
		atomic.OrUint32((*uint32)(pointer(a&^3)), 0)
	}
	return nt.StatusSuccess
}

// orByKernel or-s the word at p with 0: what futex(2) does besides with FUTEX_WAKE_OP. It
// may wake somebody who sleeps on that word, who must expect that.
func orByKernel(p uintptr) bool {
	const (
		wakeOp  = 5 | 128 // FUTEX_WAKE_OP, FUTEX_PRIVATE_FLAG
		orZero  = 2 << 28 // FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 1): the old value is 1
		ifIsOne = 1
	)
	_, _, e := unix.Syscall6(unix.SYS_FUTEX, p, wakeOp, 0, 0, p, orZero|ifIsOne)
	return e == 0
}

// get reads a structure; T has no pointers of Go's.
func get[T any](p, align uintptr, v *T) nt.Status {
	if s := check(p, unsafe.Sizeof(*v), align); s != nt.StatusSuccess {
		return s
	}
	return move(p, unsafe.Pointer(v), unsafe.Sizeof(*v), false)
}

// mayProbe is probe for an address that may be NULL.
func mayProbe(p, n, align uintptr) nt.Status {
	if p == 0 {
		return nt.StatusSuccess
	}
	return probe(p, n, align)
}

// getToPut reads a structure that is written again.
func getToPut[T any](p, align uintptr, v *T) nt.Status {
	if s := probe(p, unsafe.Sizeof(*v), align); s != nt.StatusSuccess {
		return s
	}
	return get(p, align, v)
}

// put writes a structure to where probe has been.
func put[T any](p uintptr, v *T) nt.Status {
	return move(p, unsafe.Pointer(v), unsafe.Sizeof(*v), true)
}

// getBytes and putBytes are for bytes of any alignment.
func getBytes(p uintptr, b []byte) nt.Status {
	if s := check(p, uintptr(len(b)), 1); s != nt.StatusSuccess || len(b) == 0 {
		return s
	}
	return move(p, unsafe.Pointer(&b[0]), uintptr(len(b)), false)
}

func putBytes(p uintptr, b []byte) nt.Status {
	if len(b) == 0 {
		return nt.StatusSuccess
	}
	return move(p, unsafe.Pointer(&b[0]), uintptr(len(b)), true)
}

// getHeader reads a message's header alone.
func getHeader(p uintptr, m *nt.Message) nt.Status { return get(p, 4, &m.PortMessage) }

// getMessage reads a message: of its data what will be sent, and nothing where the
// header is refused anyhow. Package nt looks at no more.
func getMessage(p uintptr, m *nt.Message) (s nt.Status) {
	if s := check(p, nt.HeaderSize, 4); s != nt.StatusSuccess {
		return s
	}
	if safe.Load() {
		if s := moveByKernel(p, unsafe.Pointer(m), nt.HeaderSize, false); s != nt.StatusSuccess {
			return s
		}
		return moveByKernel(p+nt.HeaderSize, unsafe.Pointer(&m.Body), bodyIn(m), false)
	}
	defer unguard(debug.SetPanicOnFault(true), &s) // once for both parts
	m.PortMessage = *(*nt.PortMessage)(pointer(p))
	if n := bodyIn(m); n > 0 {
		copy(m.Body[:n], unsafe.Slice((*byte)(pointer(p+nt.HeaderSize)), n))
	}
	return nt.StatusSuccess
}

// bodyIn is how many bytes of data are to be read: whole units of 4 (lpc reference b.0).
func bodyIn(m *nt.Message) uintptr {
	n := uintptr(m.DataLength)
	if n+nt.HeaderSize > uintptr(m.TotalLength) || m.TotalLength > nt.MaxMessageLength {
		return 0
	}
	return (n + 3) &^ 3
}

// putMessage writes what was received: header and data, in whole units of 4; what stands
// behind stays.
func putMessage(p uintptr, m *nt.Message) nt.Status {
	n := nt.HeaderSize + (min(uintptr(m.DataLength), nt.MaxDataLength)+3)&^3
	return move(p, unsafe.Pointer(m), n, true)
}

// inPlace is memory of C's as a slice, for package nt to read or write under a guard of
// its own. The caller has probed it.
func inPlace(p, n uintptr) []byte {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(pointer(p)), n)
}

// kernelAllows tells whether this process may be read by way of the kernel, which a
// seccomp filter can forbid. Safe mode is not to be had then.
func kernelAllows() bool {
	var from, to uint64 = 0x1122334455667788, 0
	ok := moveByKernel(uintptr(unsafe.Pointer(&from)), unsafe.Pointer(&to), 8, false) == nt.StatusSuccess
	return ok && to == from
}

// The layouts are those of lpc.h, which a test asks a C compiler for; here what they
// must be for the copies above to be of the right size.
const (
	_ = uint(unsafe.Sizeof(nt.PortMessage{})-nt.HeaderSize) + uint(nt.HeaderSize-unsafe.Sizeof(nt.PortMessage{}))
	_ = uint(unsafe.Sizeof(nt.Message{})-nt.MaxMessageLength) + uint(nt.MaxMessageLength-unsafe.Sizeof(nt.Message{}))
	_ = uint(unsafe.Sizeof(nt.PortView{})-nt.PortViewSize) + uint(nt.PortViewSize-unsafe.Sizeof(nt.PortView{}))
	_ = uint(unsafe.Sizeof(nt.RemotePortView{})-nt.RemotePortViewSize) + uint(nt.RemotePortViewSize-unsafe.Sizeof(nt.RemotePortView{}))
)
