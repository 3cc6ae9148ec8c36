package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/wire"
)

// The native face: what package nt needs of the engine. Threads of the program
// receive by themselves instead of a handler being run, and wait for one thing each.
//
// A port of the native face is manual: nobody receives for it but the threads that are
// in Receive. The one of them that holds the receiver's role polls the rings and takes
// one message; it leaves the role behind, in the state inHandler, and the next Receive,
// of whatever thread, takes it up again by a compare-and-swap. Whoever rings meanwhile
// finds the role's holder away: another thread that waits in Receive gets the role, and
// where there is none but a thread of this process waits for an answer that such a
// message may be (a callback), a pump does: a goroutine that moves what came to the
// port's queue and goes away.
//
// Lock order: Thread.mu before dispatcher.mu.

// Native is a message in a program's hands: NT's PORT_MESSAGE with room behind it.
type Native struct {
	wire.PortMessage
	Body [wire.MaxInline]byte
}

// A Thread is an NT thread: it waits for one thing at a time. Its methods, and those of
// others that take it, are for one goroutine; Exit and what other threads do to it may
// be called by any.
type Thread struct {
	*thread
	cid  wire.ClientID // its record's, which is freed when the thread ends
	proc *process
	work worker      // wakes it in Receive
	role *role       // that it left when it took its last message
	disp *dispatcher // and whose role it is
	cur  Use         // the request it received last

	parent parent // of the request at hand, cur as a debugger sees it

	inside uint32          // see native_life.go, as for
	state  atomic.Uint32   // this one
	ctx    context.Context // done when it exits; its waits listen to that,
	cancel context.CancelCauseFunc
	intr   channel.Interrupt // or, while it waits for a reply, to this
	out    outstanding       // what it waits for; others read it only once they have taken id
	outs   []outstanding     // what it will wait for again, innermost last; its own
	quiet  int               // empty looks at several hot channels in a row

	// id is the MessageId that the thread waits for. The thread stores it before its
	// request is posted. Whoever swaps it to 0 decides: the thread, when its wait is over;
	// who has a callback for it, and then sends that to delivered; Exit, which sends an
	// empty Use.
	id        atomic.Uint32
	delivered chan Use // holds one
	given     *Native  // with an empty Use: the reply, from a thread of this process

	mu             sync.Mutex
	ranges         []DataRange // that the request it waits for lists, none while it waits for none,
	rangesOf       *Conn       // through that connection,
	rangesID       uint32      // with that MessageId; see awaits and untouched
	registered     []connRegistration
	registeredHere []localRegistration
}

// An outstanding is a request that its thread waits for, or will wait for again.
type outstanding struct {
	c     *Conn
	slot  int
	alone bool
	id    uint32
	data  []DataRange // captured when it was sent
}

// nativeThreads are all threads of the native face, by their number.
var nativeThreads struct {
	sync.RWMutex
	all map[uint64]*Thread
}

// NewThread makes a thread. number is its ClientId.UniqueThread, 0: one that no Linux
// thread can have.
func NewThread(number uint64) (*Thread, error) {
	pr, err := theProcess()
	if err != nil {
		return nil, err
	}
	rec, a, err := pool.New[pool.Thread](pr.pool, pool.TagThread, 0)
	if err != nil {
		return nil, err
	}
	if number == 0 {
		number = wire.FirstSyntheticThread + atomic.AddUint64(&pr.pool.Header().NextThread, 1)
	}
	rec.Cid = wire.ClientID{UniqueProcess: pr.pid, UniqueThread: number}
	t := &Thread{thread: &thread{rec: rec, addr: a}, cid: rec.Cid, proc: pr, work: worker{ch: make(chan *role, 1)}, delivered: make(chan Use, 1)}
	t.ctx, t.cancel = context.WithCancelCause(context.Background())
	prepareFence()
	nativeThreads.Lock()
	defer nativeThreads.Unlock()
	if nativeThreads.all == nil {
		nativeThreads.all = map[uint64]*Thread{}
	}
	nativeThreads.all[number] = t
	return t, nil
}

// localThread is a thread of this process, nil: there is none of that number.
func localThread(number uint64) *Thread {
	nativeThreads.RLock()
	defer nativeThreads.RUnlock()
	return nativeThreads.all[number]
}

// Cid is the thread's CLIENT_ID.
func (t *Thread) Cid() wire.ClientID { return t.cid }

// A Limit is until when to wait.
type Limit struct {
	At   time.Time // zero: for ever
	Poll bool      // do not wait at all
}

// Passed tells whether the time has come.
func (l Limit) Passed() bool { return l.Poll || !l.At.IsZero() && !time.Now().Before(l.At) }

// Left is the time until the limit, which is not zero.
func (l Limit) Left() time.Duration { return time.Until(l.At) }
