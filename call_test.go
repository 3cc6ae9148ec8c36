package lpc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// random is n bytes that no other length shares.
func random(n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestCallSizes(t *testing.T) {
	served(t, nil, echo)
	c := dialed(t, nil)
	for _, n := range []int{0, 1, 303, 304, 305, 4096, 16384, 16385, 1 << 20, 1<<20 + 1, 5 << 20} {
		req := random(n)
		for range 2 {
			got, err := c.Call(t.Context(), req)
			if err != nil || !bytes.Equal(got, req) {
				t.Fatalf("%d bytes: %d back, %v", n, len(got), err)
			}
		}
		buf := make([]byte, n)
		if m, err := c.CallInto(t.Context(), req, buf); err != nil || m != n || !bytes.Equal(buf, req) {
			t.Fatalf("CallInto of %d bytes: %d, %v", n, m, err)
		}
		if n > 0 {
			if m, err := c.CallInto(t.Context(), req, buf[:n-1]); !errors.Is(err, ErrTooLarge) || m != n {
				t.Fatalf("CallInto of %d bytes into %d: %d, %v", n, n-1, m, err)
			}
		}
	}
}

func TestBufferForms(t *testing.T) {
	served(t, nil, func(r Request) {
		if bytes.HasPrefix(r.View(), []byte("grow")) {
			n := 100_000
			b, err := r.AllocReply(n)
			if err != nil {
				t.Error(err)
			}
			copy(b, random(n))
			if err := r.ReplyAlloc(n); err != nil {
				t.Error(err)
			}
			return
		}
		sum := sha256.Sum256(r.Bytes())
		_ = r.Reply(sum[:])
	})
	c := dialed(t, nil)
	b, err := c.Alloc(t.Context(), 3<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	copy(b.Bytes(), random(3<<20))
	for range 3 {
		r, err := c.CallBuffer(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		if want := sha256.Sum256(b.Bytes()); !bytes.Equal(r.View(), want[:]) {
			t.Fatal("the server saw other bytes than were written")
		}
		r.Release()
	}
	small, err := c.Alloc(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	defer small.Release()
	copy(small.Bytes(), "grow")
	var held []Reply
	for range 5 { // views that are held keep their memory
		r, err := c.CallBuffer(t.Context(), small)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, r)
	}
	for i := range held {
		if !bytes.Equal(held[i].View(), random(100_000)) {
			t.Fatalf("reply %d changed while it was held", i)
		}
		held[i].Release()
	}
}

func TestLimits(t *testing.T) {
	served(t, &ListenOptions{MaxMessage: 1000}, func(r Request) {
		if err := r.Reply(make([]byte, 1001)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("reply of 1001 bytes: %v", err)
		}
		if string(r.View()) != "silent" {
			_ = r.Reply(make([]byte, 1000))
		}
	})
	c := dialed(t, nil)
	for n, ok := range map[int]bool{999: true, 1000: true, 1001: false} {
		got, err := c.Call(t.Context(), make([]byte, n))
		if ok && (err != nil || len(got) != 1000) || !ok && !errors.Is(err, ErrTooLarge) {
			t.Errorf("request of %d bytes: %d, %v", n, len(got), err)
		}
	}
	if _, err := c.Call(t.Context(), []byte("silent")); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "1001 bytes") {
		t.Errorf("call whose reply was too large: %v", err)
	}
}

func TestFailAndDrop(t *testing.T) {
	served(t, nil, func(r Request) {
		switch string(r.View()) {
		case "fail":
			if err := r.Fail(-7, "no paper"); err != nil {
				t.Error(err)
			}
			if err := r.Reply(nil); !errors.Is(err, ErrReplied) {
				t.Errorf("second reply: %v", err)
			}
		case "drop":
		}
	})
	c := dialed(t, nil)
	_, err := c.Call(t.Context(), []byte("fail"))
	var he *HandlerError
	if !errors.As(err, &he) || he.Code != -7 || he.Text != "no paper" || !errors.Is(err, ErrHandlerFailed) {
		t.Errorf("failed call: %v", err)
	}
	if _, err = c.Call(t.Context(), []byte("drop")); !errors.Is(err, ErrDropped) {
		t.Errorf("dropped call: %v", err)
	}
}

func TestDeferredReply(t *testing.T) {
	var mu sync.Mutex
	var waiting []Request
	all := make(chan struct{})
	served(t, nil, func(r Request) {
		if string(r.View()) == "flush" {
			mu.Lock()
			defer mu.Unlock()
			for _, w := range waiting {
				if err := w.Reply(w.Bytes()); err != nil {
					t.Error(err)
				}
				if err := w.Reply(nil); !errors.Is(err, ErrReplied) {
					t.Errorf("second reply: %v", err)
				}
			}
			_ = r.Reply(nil)
			return
		}
		r.Defer()
		mu.Lock()
		waiting = append(waiting, r)
		n := len(waiting)
		mu.Unlock()
		if n == 20 {
			close(all)
		}
	})
	c := dialed(t, nil)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			want := fmt.Sprint("call ", i)
			got, err := c.Call(t.Context(), []byte(want))
			if err != nil || string(got) != want {
				t.Errorf("%s: %q, %v", want, got, err)
			}
		})
	}
	<-all
	if _, err := c.Call(t.Context(), []byte("flush")); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func TestSlowHandlerStallsNobody(t *testing.T) {
	release := make(chan struct{})
	served(t, nil, func(r Request) {
		if string(r.View()) == "slow" {
			<-release
		}
		_ = r.Reply(r.View())
	})
	c, other := dialed(t, nil), dialed(t, nil)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, err := c.Call(t.Context(), []byte("slow")); err != nil {
				t.Error(err)
			}
		})
		for _, c := range []*Conn{c, other} {
			if _, err := c.Call(t.Context(), []byte("quick")); err != nil {
				t.Error(err)
			}
		}
	}
	close(release)
	wg.Wait()
}

// A datagram that was sent behind a call with a slow handler is served although
// nobody publishes anything after it.
func TestDatagramBehindSlowHandler(t *testing.T) {
	entered, got := make(chan struct{}), make(chan struct{})
	served(t, nil, func(r Request) {
		if r.Kind() == KindDatagram {
			close(got)
			return
		}
		close(entered)
		<-got
		_ = r.Reply(nil)
	})
	c := dialed(t, nil)
	done := make(chan error, 1)
	go func() { _, err := c.Call(t.Context(), nil); done <- err }()
	<-entered
	if err := c.Send(t.Context(), []byte("go on")); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestManyCallers(t *testing.T) {
	served(t, nil, echo)
	c := dialed(t, nil)
	var wg sync.WaitGroup
	var n atomic.Int64
	for k := range 200 { // more than there are slots
		wg.Go(func() {
			buf := make([]byte, 1000)
			for i := range 200 {
				req := random((k*7+i)%400 + 1)
				m, err := c.CallInto(t.Context(), req, buf)
				if err != nil || !bytes.Equal(buf[:m], req) {
					t.Errorf("caller %d call %d: %v", k, i, err)
					return
				}
				n.Add(1)
			}
		})
	}
	wg.Wait()
	if n.Load() != 200*200 {
		t.Errorf("%d calls, want %d", n.Load(), 200*200)
	}
}

func TestDatagrams(t *testing.T) {
	var seen [5002]atomic.Bool
	var count atomic.Int64
	last := make(chan struct{})
	served(t, nil, func(r Request) {
		if r.Kind() != KindDatagram {
			t.Errorf("kind %v", r.Kind())
		}
		var i, n int
		fmt.Sscan(string(r.View()[:min(20, r.Len())]), &i, &n)
		if n != r.Len() {
			t.Errorf("datagram %d has %d bytes, want %d", i, r.Len(), n)
		}
		if seen[i].Swap(true) {
			t.Errorf("datagram %d came twice", i)
		}
		if count.Add(1) == 5002 {
			close(last)
		}
	})
	c := dialed(t, nil)
	for i := range 5001 {
		n := 20
		if i%100 == 0 {
			n = 5000
		}
		b := make([]byte, n)
		copy(b, fmt.Sprintf("%d %d ", i, n))
		if err := c.Send(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	b, err := c.Alloc(t.Context(), 2000)
	if err != nil {
		t.Fatal(err)
	}
	copy(b.Bytes(), "5001 2000 ")
	if err := c.SendBuffer(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	<-last
}

func TestDeadlineAndCancel(t *testing.T) {
	entered := make(chan Request, 100)
	served(t, nil, func(r Request) {
		r.Defer()
		entered <- r
	})
	c := dialed(t, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	var wg sync.WaitGroup
	why := errors.New("changed my mind")
	for range 5 { // one leads, the others follow
		wg.Go(func() {
			if _, err := c.Call(ctx, random(1000)); !errors.Is(err, why) {
				t.Errorf("cancelled call: %v", err)
			}
		})
	}
	var rs []Request
	for range 5 {
		rs = append(rs, <-entered)
	}
	cancel(why)
	wg.Wait()
	for _, r := range rs {
		if err := r.Reply(nil); !errors.Is(err, ErrAbandoned) {
			t.Errorf("reply to a cancelled call: %v", err)
		}
	}
	dl, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()
	_, err := c.Call(dl, nil)
	var e *Error
	if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &e) || !e.Timeout() {
		t.Errorf("call beyond its deadline: %v", err)
	}
	if _, err := c.Call(dl, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("call after its deadline: %v", err)
	}
}

// A server that never answers: calls time out, and once every slot is held by one
// that was given up, a call says so.
func TestQueueFull(t *testing.T) {
	const slots = 127
	entered := make(chan struct{}, 2*slots)
	served(t, nil, func(r Request) {
		r.Defer()
		entered <- struct{}{}
	})
	c := dialed(t, nil)
	for i := range slots {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-entered // one that the server has not taken gives its slot back
			cancel()
		}()
		if _, err := c.Call(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Fatalf("call %d, which is given up: %v", i, err)
		}
	}
	if _, err := c.Call(t.Context(), nil); !errors.Is(err, ErrQueueFull) {
		t.Fatalf("behind %d unanswered calls: %v", slots, err)
	}
}

func TestCallback(t *testing.T) {
	served(t, nil, func(r Request) {
		for i := range 3 {
			got, err := r.Callback(r.Context(), []byte(fmt.Sprint("callback ", i)))
			if err != nil || string(got) != fmt.Sprint("answer to callback ", i) {
				t.Errorf("callback: %q, %v", got, err)
			}
		}
		if got, err := r.Callback(r.Context(), random(50_000)); err != nil || len(got) != 50_010 {
			t.Errorf("large callback: %d bytes, %v", len(got), err)
		}
		_ = r.Reply([]byte("done"))
		if _, err := r.Callback(r.Context(), nil); !errors.Is(err, ErrReplied) {
			t.Errorf("callback after the reply: %v", err)
		}
	})
	c := dialed(t, &DialOptions{Handler: HandlerFunc(func(r Request) {
		if r.Kind() != KindCallback {
			t.Errorf("kind %v", r.Kind())
		}
		_ = r.Reply(append([]byte("answer to "), r.View()...))
	})})
	if got, err := c.Call(t.Context(), nil); err != nil || string(got) != "done" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestCallbackWithoutHandler(t *testing.T) {
	served(t, nil, func(r Request) {
		_, err := r.Callback(r.Context(), nil)
		if !errors.Is(err, ErrNoHandler) {
			t.Errorf("callback to a client that serves none: %v", err)
		}
		_ = r.Reply(nil)
	})
	if _, err := dialed(t, nil).Call(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// No more handlers than MaxWorkers run at once, whoever runs them, and all of the
// queue is served.
func TestMaxWorkers(t *testing.T) {
	for _, most := range []int{1, 2, 5} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			var now, peak atomic.Int32
			served(t, &ListenOptions{MaxWorkers: most}, func(r Request) {
				n := now.Add(1)
				for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
				}
				for start := time.Now(); time.Since(start) < time.Millisecond; { // slow enough to be replaced
				}
				now.Add(-1)
				_ = r.Reply(nil)
			})
			c := dialed(t, nil)
			var wg sync.WaitGroup
			for range 40 {
				wg.Go(func() {
					if _, err := c.Call(t.Context(), nil); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got := int(peak.Load()); got > most {
				t.Errorf("%d handlers ran at once, %d are allowed", got, most)
			}
		})
	}
}
