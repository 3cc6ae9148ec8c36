package lintest

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/seed-eedd8485/lpc"
)

// What a message asks for.
const (
	opGet    = 'g' // a register
	opPut    = 'p'
	opCas    = 'c'
	opStream = 's' // the next message of a stream
	opBegun  = 'b' // how many of a stream were begun
)

// A request as it travels. More bytes may follow, so that it goes through a section.
type request struct {
	Op   byte
	Key  uint32 // register, or stream
	A, B uint64 // values, or place in the stream
	Slow uint32 // ns that the handler takes; odd: the work is done at its end
	Sent int64  // when, by now
}

const requestSize = 1 + 4 + 8 + 8 + 4 + 8

func (r *request) append(b []byte) []byte {
	b = append(b, r.Op)
	b = binary.LittleEndian.AppendUint32(b, r.Key)
	b = binary.LittleEndian.AppendUint64(b, r.A)
	b = binary.LittleEndian.AppendUint64(b, r.B)
	b = binary.LittleEndian.AppendUint32(b, r.Slow)
	return binary.LittleEndian.AppendUint64(b, uint64(r.Sent))
}

func parse(b []byte) (r request) {
	r.Op = b[0]
	r.Key = binary.LittleEndian.Uint32(b[1:])
	r.A, r.B = binary.LittleEndian.Uint64(b[5:]), binary.LittleEndian.Uint64(b[13:])
	r.Slow = binary.LittleEndian.Uint32(b[21:])
	r.Sent = int64(binary.LittleEndian.Uint64(b[25:]))
	return r
}

// counts are what the server saw.
type counts struct {
	Inline    int64 // handlers on the receiver's goroutine
	Worker    int64
	Replaced  int64 // receivers that were replaced while they sat in a handler
	Abandoned int64 // replies that came too late
	Ahead     int64 // the most messages of a stream that had not begun when a later one did

	Handed     int64 // native: requests answered by another thread than received them
	CalledBack int64 // native: requests during which their client was called back
}

type server struct {
	mu      sync.Mutex
	values  map[uint32]uint64
	streams map[uint32]*begun
	counts  counts
	inline  map[*int64]bool // when each handler that is on a receiver's goroutine began; true: counted as replaced
}

// begun is what was begun of a stream.
type begun struct {
	low   uint64          // all up to here
	above map[uint64]bool // and these
}

func serve(c *config) error {
	if c.Native {
		return serveNative(c)
	}
	p, err := lpc.Listen(c.Name, &lpc.ListenOptions{MaxWorkers: c.Workers})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if _, err := fmt.Println("ready"); err != nil {
		return err
	}
	s := &server{values: map[uint32]uint64{}, streams: map[uint32]*begun{}, inline: map[*int64]bool{}}
	if err := lpc.Serve(ctx, p, s); !errors.Is(err, context.Canceled) {
		return err
	}
	if err := p.Close(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.NewEncoder(os.Stdout).Encode(s.counts)
}

// ServeLPC is lpc.Handler.
func (s *server) ServeLPC(m lpc.Request) {
	r := parse(m.View())
	if r.Op == opStream {
		s.begin(r.Key, r.A)
	}
	defer s.count(&r)()
	var out uint64
	if r.Slow%2 == 0 {
		out = s.do(&r)
	}
	for t := now(); now()-t < int64(r.Slow); {
		runtime.Gosched()
	}
	if r.Slow%2 == 1 {
		out = s.do(&r)
	}
	if m.Kind() == lpc.KindDatagram {
		return
	}
	reply := binary.LittleEndian.AppendUint64(make([]byte, 0, 1024), out)
	if n := m.Len(); n > requestSize {
		reply = reply[:n] // as large as the request
	}
	if err := m.Reply(reply); errors.Is(err, lpc.ErrAbandoned) {
		s.mu.Lock()
		s.counts.Abandoned++
		s.mu.Unlock()
	}
}

// do does the work: this is the moment at which the call takes effect.
func (s *server) do(r *request) (out uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Op {
	case opGet:
		out = s.values[r.Key]
	case opPut:
		s.values[r.Key] = r.A
	case opCas:
		if s.values[r.Key] == r.A {
			s.values[r.Key], out = r.B, 1
		}
	case opBegun:
		if b := s.streams[r.Key]; b != nil {
			out = b.low
		}
	}
	return out
}

// begin notes that message n of a stream has begun.
func (s *server) begin(key uint32, n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.streams[key]
	if b == nil {
		b = &begun{above: map[uint64]bool{}}
		s.streams[key] = b
	}
	if n <= b.low || b.above[n] {
		panic(fmt.Sprintf("message %d of stream %d came twice", n, key))
	}
	missing := int64(n-1) - int64(b.low)
	for k := range b.above {
		if k < n {
			missing--
		}
	}
	s.counts.Ahead = max(s.counts.Ahead, missing)
	b.above[n] = true
	for b.above[b.low+1] {
		b.low++
		delete(b.above, b.low)
	}
}

// count notes which way the message came, by the engine's functions on the stack. A
// message that was sent when a receiver was in a handler already, and begins while it
// still is, was taken off the ring by another: that one was replaced.
func (s *server) count(r *request) (done func()) {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	inline := false
	for more := true; more && !inline; {
		var f runtime.Frame
		f, more = frames.Next()
		inline = strings.HasSuffix(f.Function, ".runInline")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for began, known := range s.inline {
		if !known && *began < r.Sent {
			s.counts.Replaced++
			s.inline[began] = true
		}
	}
	if !inline {
		s.counts.Worker++
		return func() {}
	}
	s.counts.Inline++
	began := now()
	s.inline[&began] = false
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.inline, &began)
	}
}
