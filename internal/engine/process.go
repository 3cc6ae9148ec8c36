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
	"github.com/seed-eedd8485/lpc/wire"
)

// process is what the engine has once in a process.
type process struct {
	pool *pool.Pool
	pid  uint64
	ids  atomic.Uint32 // the MessageId given out last
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
	h.ClockHz = channel.TicksPerMicrosecond() * 1e6
	h.ClockTicks, h.ClockWall = channel.Ticks(), uint64(time.Now().UnixNano())
	return pr, nil
})

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

// waits writes down what a thread is about to wait for.
func (t *thread) waits(port pool.Addr, id uint32, ch uint64, dir uint32, slot int, parent *parent, call callName, args [4]uint64) {
	r := t.rec
	r.LpcWaitingOnPort = port
	r.WaitChannel, r.WaitSlot, r.WaitDirection = ch, uint32(slot), dir
	r.CallName, r.CallArguments = call, args
	if parent != nil {
		r.Parent, r.ParentID, r.ParentKnown = parent.addr, parent.id, 1
	} else {
		r.Parent, r.ParentID, r.ParentKnown = 0, 0, 0
	}
	r.WaitStart = channel.Ticks()
	r.WaitReason = pool.WaitLpcReply
	atomic.StoreUint32(&r.LpcReplyMessageID, id) // last: it makes the rest count
}

// resumes takes that back.
func (t *thread) resumes() {
	t.rec.LpcReplyMessageID = 0
	t.rec.WaitReason = pool.WaitNone
}

type callName = [32]byte

func named(s string) (n callName) { copy(n[:], s); return n }

var (
	nameCall     = named("Conn.Call")
	nameBuffer   = named("Conn.CallBuffer")
	nameCallback = named("Request.Callback")
)

// parent is the message that a caller serves while it calls.
type parent struct {
	addr pool.Addr
	id   uint32
}
