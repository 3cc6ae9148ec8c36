//go:build cgo && linux

package main

import "C"

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/engine"
	"github.com/seed-eedd8485/lpc/nt"
)

// A thread is an OS thread of the program, and the memory that its calls work in: a
// thread makes one call at a time.
type thread struct {
	*nt.Thread
	tid     int
	message nt.Message // in, and then out
	receive nt.Message
	context uintptr
	timeout int64
}

// threads are all that have made a call, by number less one. A number is used again when
// its thread has ended. Readers take no lock: a thread reads its own entry, which was
// stored before it learned its number.
var threads struct {
	list atomic.Pointer[[]atomic.Pointer[thread]]

	mu    sync.Mutex
	free  []uint32
	byTID map[int]uint32
}

// at is the thread of a number, which the thread itself has given.
func at(number uint32) *thread { return (*threads.list.Load())[number-1].Load() }

// lpcgoThread makes the calling thread known and gives its number, 0: there is no memory
// for it.
//
//export lpcgoThread
func lpcgoThread() uint32 {
	tid := unix.Gettid()
	threads.mu.Lock()
	stale, ok := threads.byTID[tid]
	threads.mu.Unlock()
	if ok {
		end(stale) // a thread of that id ended without a word, by exit(2)
	}
	t := nt.CurrentThread()
	if t == nil {
		return 0
	}
	threads.mu.Lock()
	defer threads.mu.Unlock()
	if threads.byTID == nil {
		threads.byTID = map[int]uint32{}
	}
	if len(threads.free) == 0 {
		grow()
	}
	last := len(threads.free) - 1
	n := threads.free[last]
	threads.free = threads.free[:last]
	threads.byTID[tid] = n
	(*threads.list.Load())[n-1].Store(&thread{Thread: t, tid: tid})
	return n
}

// grow makes room for as many threads again. threads.mu is held.
func grow() {
	var old []atomic.Pointer[thread]
	if p := threads.list.Load(); p != nil {
		old = *p
	}
	list := make([]atomic.Pointer[thread], max(16, 2*len(old)))
	for i := range old {
		list[i].Store(old[i].Load())
	}
	threads.list.Store(&list)
	for n := len(list); n > len(old); n-- {
		threads.free = append(threads.free, uint32(n))
	}
}

// lpcgoThreadExit ends a thread: the destructor of its key calls it.
//
//export lpcgoThreadExit
func lpcgoThreadExit(number uint32) { end(number) }

// end ends a thread and frees its number.
func end(number uint32) {
	t := at(number)
	t.Exit()
	threads.mu.Lock()
	defer threads.mu.Unlock()
	delete(threads.byTID, t.tid)
	(*threads.list.Load())[number-1].Store(nil)
	threads.free = append(threads.free, number)
}

// lpcgoSafeProbe chooses how addresses are touched, and gives what is chosen.
//
//export lpcgoSafeProbe
func lpcgoSafeProbe(on int32) int32 {
	kernel := on != 0 && kernelAllows()
	safe.Store(kernel)
	engine.SafeProbe(kernel)
	if kernel {
		return 1
	}
	return 0
}
