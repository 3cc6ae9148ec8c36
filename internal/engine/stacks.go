package engine

import (
	"runtime"
	"strings"
	"sync"

	"github.com/seed-eedd8485/lpc/internal/pool"
)

// stacks records where waiting calls were made, for processes started with
// LPC_STACKS=1. A place in the code is resolved and written into the pool once; a stack
// is a list of such places. So a debugger needs neither the program nor its symbols.
type stacks struct {
	on bool

	mu     sync.RWMutex
	frames map[uintptr][]pool.Addr // by return address: its frames, innermost first; none: the library's own
	full   bool
}

const (
	deepest   = 48   // frames looked at
	mostPlace = 8192 // places remembered
)

// stackMemory is what a record was last filled from: the same goroutine mostly waits, or
// allocates, in the same call again.
type stackMemory struct {
	pcs    [deepest]uintptr
	depth  int
	frames uint32
}

func (s *stacks) init() { s.on, s.frames = true, map[uintptr][]pool.Addr{} }

// recordStack writes down the stack of the calling goroutine, which is about to wait as t.
func (p *process) recordStack(t *thread) {
	if t.stk == nil {
		st, a, err := pool.New[pool.Stack](p.pool, pool.TagStack, t.addr)
		if err != nil {
			return
		}
		t.stk, t.rec.Stack, t.stackMemory = st, a, new(stackMemory)
	}
	p.capture(t.stk, t.stackMemory)
}

// A caller is where a region was allocated.
type caller struct {
	stk  *pool.Stack
	addr pool.Addr
	stackMemory
}

// recordCaller writes down the stack of the calling goroutine, which allocates r.
func (p *process) recordCaller(r *region) {
	if r.caller == nil {
		st, a, err := pool.New[pool.Stack](p.pool, pool.TagStack, r.addr)
		if err != nil {
			return
		}
		r.caller = &caller{stk: st, addr: a}
		r.rec.Stack = a
	}
	p.capture(r.caller.stk, &r.caller.stackMemory)
}

// capture fills st, which was last filled from m, with the stack of the goroutine.
func (p *process) capture(st *pool.Stack, m *stackMemory) {
	var pcs [deepest]uintptr
	depth := runtime.Callers(3, pcs[:])
	if depth == m.depth && pcs == m.pcs {
		st.Count = m.frames // the same call as this record's last
		return
	}
	n := uint32(0)
	for _, pc := range pcs[:depth] {
		for _, a := range p.stacks.places(p.pool, pc) {
			if n < uint32(len(st.Frames)) {
				st.Frames[n] = a
				n++
			}
		}
	}
	st.Count = n // last: it makes the rest count
	m.pcs, m.depth, m.frames = pcs, depth, n
}

// places are the frames at a return address.
func (s *stacks) places(p *pool.Pool, pc uintptr) []pool.Addr {
	s.mu.RLock()
	l, known := s.frames[pc]
	full := s.full
	s.mu.RUnlock()
	if known || full {
		return l
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, known := s.frames[pc]; known {
		return l
	}
	frames := runtime.CallersFrames([]uintptr{pc})
	for {
		f, more := frames.Next()
		if f.Function != "" && !ours(f.Function) {
			rec, a, err := pool.New[pool.Frame](p, pool.TagStack, 0)
			if err != nil {
				s.full = true
				return l
			}
			rec.PC, rec.Line = uint64(f.PC), uint32(f.Line)
			copy(rec.Function[:], end(f.Function, len(rec.Function)))
			copy(rec.File[:], end(f.File, len(rec.File)))
			l = append(l, a)
		}
		if !more {
			break
		}
	}
	s.frames[pc] = l
	s.full = len(s.frames) >= mostPlace
	return l
}

// ours: a function of the library, or one that every goroutine has below its own.
func ours(name string) bool {
	const module = "github.com/seed-eedd8485/lpc"
	return strings.HasPrefix(name, module+".") || strings.HasPrefix(name, module+"/internal/") || strings.HasPrefix(name, "runtime.")
}

// end is the last n bytes of a text.
func end(s string, n int) string { return s[max(0, len(s)-n):] }
