package channel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/wire"
)

// ends are both ends of one direction over one real channel, mapped twice, as two
// processes would. Bells are counted, and wake whoever the test says.
type ends struct {
	c       *Caller
	r       *Receiver
	toRecv  chan struct{} // the caller rang
	toCall  atomic.Int32  // the receiver rang so often
	mapping [2]*section.Section
	serving sync.WaitGroup // echo, which must end before the memory goes
	stop    context.CancelFunc
}

func newEnds(t *testing.T, server bool) *ends {
	t.Helper()
	w := time.AfterFunc(time.Minute, func() {
		b := make([]byte, 1<<20)
		fmt.Fprintf(os.Stderr, "%s hangs:\n%s\n", t.Name(), b[:runtime.Stack(b, true)])
		os.Exit(2)
	})
	s, fd, err := Create(1)
	if err != nil {
		t.Fatal(err)
	}
	o, err := Open(fd)
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(fd)
	e := &ends{toRecv: make(chan struct{}, 1), mapping: [2]*section.Section{s, o}}
	e.c = NewCaller(s, server, true, func() {
		select {
		case e.toRecv <- struct{}{}:
		default:
		}
	})
	e.r = NewReceiver(o, !server, true, func() { e.toCall.Add(1); e.c.Bell() })
	t.Cleanup(func() {
		if e.stop != nil {
			e.stop()
		}
		e.serving.Wait()
		e.c.Down(errors.New("the test is over"))
		e.c.Quiesce()
		_ = s.Unmap()
		_ = o.Unmap()
		w.Stop()
	})
	return e
}

func newMessage() *Message {
	return &Message{Header: new(wire.PortMessage), Data: new([wire.MaxInline]byte)}
}

// serve runs echo until the test ends.
func (e *ends) serve(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	e.stop = cancel
	e.serving.Go(func() { e.echo(ctx, t) })
}

// echo serves until the context ends: it takes messages and replies with their data.
func (e *ends) echo(ctx context.Context, t *testing.T) {
	m := newMessage()
	for ctx.Err() == nil {
		ok, err := e.r.Next(m)
		if err != nil {
			t.Errorf("receiving: %v", err)
			return
		}
		if ok {
			if m.Reply {
				q := Request{MessageID: m.Header.MessageID, Data: m.Data[:m.Length]}
				if err := e.r.Reply(m.Slot, m.Gen, wire.StatusOK, &q); err != nil && !errors.Is(err, ErrAbandoned) {
					t.Errorf("replying: %v", err)
				}
			}
			continue
		}
		if e.r.Arm() {
			select {
			case <-e.toRecv:
			case <-ctx.Done():
			}
			e.r.Awake()
		}
	}
}

func (e *ends) call(ctx context.Context, data []byte) ([]byte, error) {
	s, alone, err := e.c.Take(ctx)
	if err != nil {
		return nil, err
	}
	e.c.Reserve(s)
	e.c.Post(s, &Request{MessageID: 1, Data: data})
	if err := e.c.Wait(ctx, s, alone, nil, new(uint64)); err != nil {
		return nil, err
	}
	defer e.c.Release(s)
	var r Result
	if err := e.c.Result(s, &r); err != nil {
		return nil, err
	}
	b := make([]byte, r.Length)
	e.c.Inline(s, b, r.Length)
	return b, nil
}

func TestCallsBothDirections(t *testing.T) {
	for _, server := range []bool{false, true} {
		e := newEnds(t, server)
		e.serve(t)
		var callers sync.WaitGroup
		for k := range 150 { // more than there are slots
			callers.Go(func() {
				for i := range 100 {
					want := bytes.Repeat([]byte{byte(k)}, (i*7+k)%305)
					got, err := e.call(t.Context(), want)
					if err != nil || !bytes.Equal(got, want) {
						t.Errorf("caller %d call %d: %d bytes, %v", k, i, len(got), err)
						return
					}
				}
			})
		}
		callers.Wait()
		if !e.c.Idle() {
			t.Error("slots are in use after the last call")
		}
	}
}

// The reply ring overruns while nobody leads; the next leader must not wait for
// hints that were lost.
func TestHintsOverrun(t *testing.T) {
	e := newEnds(t, false)
	m := newMessage()
	for range 3 * hintSize { // lone calls that never park drain no hints
		s, _, err := e.c.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		e.c.Reserve(s)
		e.c.Post(s, &Request{})
		if ok, err := e.r.Next(m); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if err := e.r.Reply(m.Slot, m.Gen, wire.StatusOK, &Request{}); err != nil {
			t.Fatal(err)
		}
		if err := e.c.Wait(t.Context(), s, true, nil, new(uint64)); err != nil {
			t.Fatal(err)
		}
		e.c.Release(s)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := e.call(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
	e.serve(t)
	wg.Wait()
}

func TestAbandonAndReuse(t *testing.T) {
	e := newEnds(t, true)
	m := newMessage()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, alone, err := e.c.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.c.Reserve(s)
	e.c.Post(s, &Request{})
	freed := new(released)
	if err := e.c.Wait(ctx, s, alone, freed, new(uint64)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if e.c.Idle() || freed.Load() != 0 {
		t.Error("the slot of an abandoned call is free before the peer gave it back")
	}
	if ok, err := e.r.Next(m); ok || err != nil {
		t.Errorf("an abandoned request was delivered: %v, %v", ok, err)
	}
	s2, _, err := e.c.Take(t.Context())
	if err != nil || s2 != s || freed.Load() != 1 {
		t.Fatalf("slot %d taken again as %d (%v), released %d times", s, s2, err, freed.Load())
	}
	e.c.Reserve(s2)
	e.c.Post(s2, &Request{MessageID: 2}) // the next generation
	if ok, err := e.r.Next(m); !ok || err != nil || m.Gen != 2 || m.Header.MessageID != 2 {
		t.Fatal(ok, err, m.Gen)
	}
	if err := e.r.Reply(s, 1, wire.StatusOK, &Request{}); err == nil {
		t.Error("a reply to generation 1 completed generation 2")
	}
	e.c.Release(s2)
}

// A spin sees the request in the near slot, its ring entry comes before the receiver
// looks again, and its caller gives up: it is taken once.
func TestSeenAndGivenUp(t *testing.T) {
	e := newEnds(t, true)
	m := newMessage()
	s, alone, err := e.c.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	place := &e.r.ring[e.r.head%ringSize]
	before := atomic.LoadUint32(place)
	e.c.Reserve(s)
	e.c.Post(s, &Request{})
	published := atomic.SwapUint32(place, before)
	e.r.spin.off.Store(false) // also with GOMAXPROCS=1
	if !e.r.Spin(func() bool { return true }) || !e.r.seen {
		t.Fatal("the request in the near slot was not seen")
	}
	atomic.StoreUint32(place, published)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.c.Wait(ctx, s, alone, nil, new(uint64)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for range 2 {
		if ok, err := e.r.Next(m); ok || err != nil {
			t.Fatalf("an abandoned request: %v, %v", ok, err)
		}
	}
}

type released struct{ atomic.Int32 }

func (r *released) Release() { r.Add(1) }

// A reply that is there wins over a hang-up and over a deadline.
func TestReplyWins(t *testing.T) {
	e := newEnds(t, false)
	m := newMessage()
	s, _, err := e.c.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.c.Reserve(s)
	e.c.Post(s, &Request{})
	if ok, err := e.r.Next(m); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := e.r.Reply(m.Slot, m.Gen, wire.StatusOK, &Request{Data: []byte("late")}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e.c.Down(errors.New("gone"))
	if err := e.c.Wait(ctx, s, false, nil, new(uint64)); err != nil {
		t.Fatalf("the reply was there: %v", err)
	}
	var r Result
	if err := e.c.Result(s, &r); err != nil || r.Length != 4 {
		t.Fatal(err, r.Length)
	}
	e.c.Release(s)
	if _, _, err := e.c.Take(t.Context()); err == nil {
		t.Error("a slot was taken on a connection that is down")
	}
}

func TestCellsRunOut(t *testing.T) {
	e := newEnds(t, true)
	send := func(ctx context.Context, i int) error {
		return e.c.Send(ctx, &Request{MessageID: uint32(i), Data: []byte{byte(i)}})
	}
	n := serverToClient.ncells
	for i := range n {
		if err := send(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := send(ctx, n); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("datagram %d with no room: %v", n, err)
	}
	done := make(chan error, 1)
	go func() { done <- send(t.Context(), n) }()
	m := newMessage()
	for i := 0; i <= n; {
		ok, err := e.r.Next(m)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			e.r.Publish() // wakes the one that waits for room
			runtime.Gosched()
			continue
		}
		if m.Reply || m.Header.MessageID != uint32(i) || m.Length != 1 || m.Data[0] != byte(i) {
			t.Fatalf("datagram %d came as %+v", i, m.Header)
		}
		i++
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestViolations writes into the channel what no caller that follows the protocol
// writes, and wants a Violation each time.
func TestViolations(t *testing.T) {
	for name, spoil := range map[string]func(e *ends, s int){
		"slot out of range":   func(e *ends, s int) { e.c.ring[0] = entry(firstPos, kindRequest, 0xfff) },
		"kind":                func(e *ends, s int) { e.c.ring[0] = entry(firstPos, 9, s) },
		"lap":                 func(e *ends, s int) { e.c.ring[0] = entry(firstPos+5*ringSize, kindRequest, s) },
		"cell out of order":   func(e *ends, s int) { e.c.ring[0] = entry(firstPos, kindDatagram, 3) },
		"generation":          func(e *ends, s int) { e.c.slot(s).Word += 1 << genShift },
		"place":               func(e *ends, s int) { e.c.slot(s).Meta += 1 << 16 },
		"state":               func(e *ends, s int) { e.c.slot(s).Word = e.c.own(s).gen<<genShift | stDone },
		"data length":         func(e *ends, s int) { e.c.slot(s).Meta += (305 - 3) << 32 },
		"flags":               func(e *ends, s int) { e.c.slot(s).Meta |= 8 << 48 },
		"size of data info":   func(e *ends, s int) { e.c.slot(s).Meta |= flagInfo << 48 },
		"detached as request": func(e *ends, s int) { e.c.slot(s).Word = e.c.own(s).gen<<genShift | stDetached },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnds(t, false)
			s, _, err := e.c.Take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			e.c.Reserve(s)
			e.c.Post(s, &Request{Data: []byte("abc")})
			spoil(e, s)
			ok, err := e.r.Next(newMessage())
			var v *Violation
			if ok || !errors.As(err, &v) {
				t.Errorf("%v, %v", ok, err)
			}
			if !e.r.More() && name == "lap" {
				t.Error("garbage in the ring is not seen as something to read")
			}
			e.c.Release(s)
		})
	}
	t.Run("slot published twice", func(t *testing.T) {
		e := newEnds(t, false)
		s, _, _ := e.c.Take(t.Context())
		e.c.Reserve(s)
		e.c.Post(s, &Request{})
		e.c.Reserve(s)
		e.c.Post(s, &Request{})
		m := newMessage()
		var v *Violation
		if _, err := e.r.Next(m); !errors.As(err, &v) { // the word is of generation 2
			t.Errorf("%v", err)
		}
		e.c.Release(s)
	})
	t.Run("reply", func(t *testing.T) {
		e := newEnds(t, false)
		s, _, _ := e.c.Take(t.Context())
		e.c.Reserve(s)
		e.c.Post(s, &Request{})
		e.c.slot(s).Word = 12345<<genShift | stDone
		var v *Violation
		if err := e.c.Wait(t.Context(), s, true, nil, new(uint64)); !errors.As(err, &v) {
			t.Errorf("%v", err)
		}
	})
}

func TestTrim(t *testing.T) {
	e := newEnds(t, false)
	e.serve(t)
	burst := func() {
		var wg sync.WaitGroup
		for range 60 {
			wg.Go(func() {
				for range 50 {
					if _, err := e.call(t.Context(), []byte("x")); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	for range 3 {
		burst()
		e.c.Trim()
		if w := atomic.LoadUint64(&e.c.slot(firstPageSlots + 11).Word); w != 0 {
			t.Errorf("a slot beyond the first page still holds %#x", w)
		}
	}
	burst() // generations go on where they were
}

func TestSpinBudget(t *testing.T) {
	var s spinner
	s.init(false)
	s.peer.Store(1 << 20) // no processor of this machine
	never := func() bool { return false }
	for range 10 {
		s.until(never, func() bool { return true })
	}
	if b := s.budget.Load(); b != 0 {
		t.Errorf("after ten misses the budget is %d µs", b)
	}
	s.parked(10 * TicksPerMicrosecond())
	if b := s.budget.Load(); b != spinStart {
		t.Errorf("after a short park the budget is %d µs, want %d", b, spinStart)
	}
	for s.limit(); ; {
		s.peer.Store(CPU())
		if _, ok := s.limit(); !ok || s.peer.Load() != CPU() { // this thread may have moved meanwhile
			break
		}
	}
}

// NextDatagram takes a small datagram and nothing else: a request that stands next is left
// to Next.
func TestNextDatagram(t *testing.T) {
	e := newEnds(t, true)
	m := newMessage()
	send := func(id uint32) {
		if err := e.c.Send(t.Context(), &Request{MessageID: id}); err != nil {
			t.Fatal(err)
		}
	}
	next := func(what string, f func(*Message) (bool, error), id uint32) {
		t.Helper()
		if ok, err := f(m); err != nil || ok != (id != 0) || ok && m.Header.MessageID != id {
			t.Fatalf("%s: %v, %v, message %d; want message %d, 0: none", what, ok, err, m.Header.MessageID, id)
		}
	}
	next("empty", e.r.NextDatagram, 0)
	send(1)
	s, _, err := e.c.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.c.Reserve(s)
	e.c.Post(s, &Request{MessageID: 2})
	send(3)
	next("a datagram", e.r.NextDatagram, 1)
	next("a request", e.r.NextDatagram, 0)
	next("a request", e.r.Next, 2)
	next("a datagram", e.r.NextDatagram, 3)
	next("empty", e.r.NextDatagram, 0)
	atomic.StoreUint32(&e.r.ring[e.r.head%ringSize], entry(e.r.head, kindDatagram, 7))
	var v *Violation
	if ok, err := e.r.NextDatagram(m); ok || !errors.As(err, &v) {
		t.Errorf("a datagram in a cell that is not the next: %v, %v, want a violation", ok, err)
	}
	e.c.Release(s)
}

// While Hold is on the cells that were taken are not given back: the sender has room for a
// ring of them and no more, and requests still pass.
func TestHold(t *testing.T) {
	e := newEnds(t, true)
	m := newMessage()
	never := func() (i Interrupt) { i.Set(); return }()
	fill := func() (n int) {
		for e.c.Send(&never, &Request{}) == nil {
			if ok, err := e.r.Next(m); !ok || err != nil {
				t.Fatal(ok, err)
			}
			e.r.Publish()
			if n++; n > 1000 {
				break
			}
		}
		return n
	}
	e.r.Hold(true)
	if n := fill(); n != e.c.area.ncells {
		t.Errorf("%d datagrams were sent while nothing is given back, want %d", n, e.c.area.ncells)
	}
	s, _, err := e.c.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.c.Reserve(s)
	e.c.Post(s, &Request{MessageID: 9})
	if ok, err := e.r.Next(m); !ok || err != nil || m.Header.MessageID != 9 {
		t.Errorf("a request behind them: %v, %v", ok, err)
	}
	e.c.Release(s)
	e.r.Hold(false)
	e.r.Publish()
	if n := fill(); n <= 1000 {
		t.Errorf("%d datagrams were sent with room for all, want more than 1000", n)
	}
}
