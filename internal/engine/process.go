package engine

import (
	"crypto/rand"
	"encoding/binary"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/security"
	"github.com/seed-eedd8485/lpc/wire"
)

// process is what the engine has once in a process.
type process struct {
	pool *pool.Pool
	pid  uint64
	ids  atomic.Uint32 // the MessageId given out last

	bare     bool // no thread records are written: lpc bench compares with that
	failures failures
	stacks   stacks
}

var theProcess = sync.OnceValues(func() (*process, error) {
	p, err := pool.Process()
	if err != nil {
		return nil, err
	}
	pr := &process{pool: p, pid: uint64(os.Getpid())}
	var seed [4]byte
	_, _ = rand.Read(seed[:]) // never fails (crypto/rand)
	pr.ids.Store(binary.LittleEndian.Uint32(seed[:]))
	h := p.Header()
	pr.bare = os.Getenv("LPC_KD") == "no"
	if os.Getenv("LPC_STACKS") == "1" {
		pr.stacks.init()
		h.Flags |= pool.PoolStacks
	}
	pr.setClock(h)
	return pr, nil
})

// setClock writes down which tick was when, and how many there are in a second: what was
// measured in some µs now, and exactly after a second. A debugger dates all else by it.
func (p *process) setClock(h *pool.Header) {
	start, ticks := time.Now(), channel.Ticks()
	h.ClockHz = channel.TicksPerMicrosecond() * 1e6
	h.ClockTicks, h.ClockWall = ticks, uint64(start.UnixNano())
	time.AfterFunc(time.Second, func() {
		n, d := channel.Ticks()-ticks, time.Since(start)
		atomic.StoreUint64(&h.ClockHz, uint64(float64(n)/d.Seconds()+0.5))
	})
}

// LockPool pins the pool of this process in memory.
func LockPool() error {
	pr, err := theProcess()
	if err != nil {
		return err
	}
	return pr.pool.Lock()
}

// newToken writes down who a peer is.
func (p *process) newToken(id security.Identity, owner pool.Addr) (pool.Addr, error) {
	t, a, err := pool.New[pool.Token](p.pool, pool.TagToken, owner)
	if err != nil {
		return 0, err
	}
	t.ProcessID, t.UID, t.GID, t.GroupCount = uint32(id.PID), id.UID, id.GID, uint32(len(id.Groups))
	copy(t.Groups[:], id.Groups)
	return a, nil
}

// nextID is a fresh MessageId, never 0. It is for display and for NT's matching
// rule together with ClientId and connection; the engine matches by slot and
// generation.
func (p *process) nextID() uint32 {
	for {
		if id := p.ids.Add(1); id != 0 {
			return id
		}
	}
}

// A thread is a goroutine's thread record while it calls or serves.
type thread struct {
	rec  *pool.Thread
	addr pool.Addr
	call *callName   // what the record names
	stk  *pool.Stack // nil: stacks are not recorded
	*stackMemory
}

// threads keeps records of goroutines between their calls. The pool block of one
// that the garbage collector drops is freed.
var threads = sync.Pool{}

func (p *process) thread() (*thread, error) {
	if t, ok := threads.Get().(*thread); ok {
		return t, nil
	}
	rec, a, err := pool.New[pool.Thread](p.pool, pool.TagThread, 0)
	if err != nil {
		return nil, err
	}
	n := atomic.AddUint64(&p.pool.Header().NextThread, 1)
	rec.Cid = wire.ClientID{UniqueProcess: p.pid, UniqueThread: wire.FirstSyntheticThread + n}
	t := &thread{rec: rec, addr: a}
	runtimeCleanup(t, p.pool, a)
	return t, nil
}

// waits writes down what a thread waits for: a call of size bytes that it has posted
// in a slot. A record mostly says the same as at its last call, so only what differs
// is written.
func (t *thread) waits(c *Conn, id uint32, slot int, gen uint64, parent *parent, call *callName, size int) {
	r := t.rec
	if dir := c.direction(); r.WaitChannel != c.number || r.WaitDirection != dir {
		r.LpcWaitingOnPort = c.addr
		r.WaitChannel, r.WaitDirection = c.number, dir
		r.CallArguments[0] = uint64(c.handle.Load())
	}
	if t.call != call {
		t.call, r.CallName = call, *call
	}
	r.WaitSlot, r.WaitGeneration = uint32(slot), gen
	r.CallArguments[1], r.CallArguments[2] = uint64(id), uint64(size)
	t.childOf(parent)
	r.WaitStart = 0 // channel.Caller.Wait stamps it if the reply takes longer than a look
	r.WaitReason = pool.WaitLpcReply
	atomic.StoreUint32(&r.LpcReplyMessageID, id) // last: it makes the rest count
}

// connects writes down that a thread waits for its connection request of that id to be
// accepted.
func (t *thread) connects(c *Conn, id uint32, parent *parent, size int) {
	r := t.rec
	r.LpcWaitingOnPort = c.addr
	r.WaitChannel, r.WaitGeneration, r.WaitSlot, r.WaitDirection = 0, 0, 0, 0 // there is no channel yet
	t.call, r.CallName = nameDial, *nameDial
	r.CallArguments = [4]uint64{uint64(c.handle.Load()), uint64(id), uint64(size)}
	t.childOf(parent)
	r.WaitStart, r.WaitReason = channel.Ticks(), pool.WaitLpcReply
	atomic.StoreUint32(&r.LpcReplyMessageID, id)
}

// childOf writes down which message a thread serves while it waits, nil: not known.
func (t *thread) childOf(parent *parent) {
	r := t.rec
	if parent != nil {
		r.Parent, r.ParentID, r.ParentKnown = parent.addr, parent.id, 1
	} else {
		r.Parent, r.ParentID, r.ParentKnown = 0, 0, 0
	}
}

// receives writes down that a thread receives for a port from now on: what it waits in,
// when it waits, is Serve of that port.
func (t *thread) receives(d *dispatcher) {
	r := t.rec
	r.ServerPort = d.addr
	r.WaitChannel = 0 // so that its next call writes all of its record
	t.call, r.CallName = nameServe, *nameServe
	r.CallArguments = [4]uint64{uint64(d.rec.Handle)}
}

// resumes takes that back.
func (t *thread) resumes() {
	t.rec.LpcReplyMessageID = 0
	if t.stk != nil {
		t.stk.Count = 0
	}
	t.rec.WaitReason = pool.WaitNone
}

type callName = [32]byte

func named(s string) *callName { n := new(callName); copy(n[:], s); return n }

var (
	nameCall     = named("Conn.Call")
	nameBuffer   = named("Conn.CallBuffer")
	nameCallback = named("Request.Callback")
	nameServe    = named("Serve")
	nameDial     = named("Dial")
)

// parent is the message that a caller serves while it calls.
type parent struct {
	addr pool.Addr
	id   uint32
}
