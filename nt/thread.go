package nt

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/engine"
	"github.com/seed-eedd8485/lpc/security"
)

// A Thread stands for an NT thread: it waits for one thing at a time, and what it has
// received is known by it. Its methods are for one goroutine at a time, but for Exit.
type Thread struct {
	e       *engine.Thread
	created uint64                         // 100 ns since 1601
	active  *security.Active               // it acts as a client
	token   atomic.Pointer[security.Token] // of whom; its own goroutine stores it
}

// NewThread makes a Thread for a goroutine to carry. Its number is above the kernel's
// largest thread id. Exit gives its memory back.
func NewThread() (*Thread, error) { return newThread(0) }

func newThread(number uint64) (*Thread, error) {
	e, err := engine.NewThread(number)
	if err != nil {
		return nil, err
	}
	return &Thread{e: e, created: uint64(time.Now().UnixNano()/100 + epoch1601)}, nil
}

// osThreads are the Threads of OS threads, by thread id.
var osThreads sync.Map // int to *Thread

// CurrentThread is the Thread of the calling OS thread, to which the goroutine must be
// locked (runtime.LockOSThread): its number is gettid(2). It is made at the first call
// and lasts until Exit, which must be called before the OS thread ends; its number may
// be another's then. nil: there is no memory for it.
func CurrentThread() *Thread {
	tid := unix.Gettid()
	if t, ok := osThreads.Load(tid); ok {
		return t.(*Thread)
	}
	t, err := newThread(uint64(tid))
	if err != nil {
		return nil
	}
	osThreads.Store(tid, t)
	return t
}

// ClientID is the thread's.
func (t *Thread) ClientID() ClientID { return t.e.Cid() }

// Exit ends the thread, as the end of an NT thread does: ports that it registered with
// get LPC_CLIENT_DIED, its waits are given up, and each later call of it gives
// StatusThreadIsTerminating. Another goroutine may call it.
func (t *Thread) Exit() {
	cid := t.e.Cid()
	osThreads.CompareAndDelete(int(cid.UniqueThread), t)
	if security.Current() == t.token.Load() {
		_ = t.revert() // it ends as itself
	}
	t.e.Exit()
}
