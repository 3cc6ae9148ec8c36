package robust

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc"
)

// gram writes a small datagram into a cell, for a place behind the next one, and does not
// publish it.
func (r *raw) gram(cell int, behind uint32, data string) {
	r.message(r.cell(cell), data)
	r.put16(r.cell(cell)+slotPlace, uint16(r.pos+behind))
}

// entryAt is what stands in the ring for a message, so many places behind the next one.
func (r *raw) entryAt(behind uint32, kind, index int) (at int, e uint32) {
	pos := r.pos + behind
	return r.d.ring + int(pos%256)*4, pos>>8<<16 | uint32(kind)<<12 | uint32(index)
}

// A control datagram is for the other end's engine: a program is not handed it, wherever
// it stands.
func TestControlDatagrams(t *testing.T) {
	got := make(chan string, 16)
	local(t, &lpc.ListenOptions{MaxWorkers: 1}, func(r lpc.Request) { got <- string(r.Bytes()) }) // one after the other
	r := mustConnect(t, portName(t))
	for i, data := range []string{"first", "control", "control", "between", "control", "last"} {
		r.gram(i, uint32(i), data)
		if data == "control" {
			r.put16(r.cell(i)+msgFlags, 4)
		}
	}
	for i := 5; i >= 0; i-- { // the first becomes visible last: what follows it is there
		at, e := r.entryAt(uint32(i), 2, i)
		r.put32(at, e)
	}
	r.pos += 6
	r.bell()
	for _, want := range []string{"first", "between", "last"} {
		if s := receive(t, "a datagram", got); s != want {
			t.Fatalf("the handler got %q, want %q", s, want)
		}
	}
}

// The ring entry behind a datagram is one when it is looked at, and a request when that is
// taken: it is loaded once, so it is one of the two throughout.
func TestEntryThatChanges(t *testing.T) {
	last := make(chan struct{}, 1)
	p := local(t, nil, func(r lpc.Request) {
		behind := string(r.Bytes()) == "last"
		echo(r)
		if behind {
			last <- struct{}{}
		}
	})
	for range size(100, 5000) {
		r, err := rawConnect(portName(t))
		if err != nil {
			t.Fatal(err)
		}
		r.gram(0, 0, "datagram")
		r.gram(1, 1, "datagram")
		r.request(3, "request")
		r.put16(r.slot(3)+slotPlace, uint16(r.pos+1))
		at, gram := r.entryAt(1, 2, 1)
		_, request := r.entryAt(1, 1, 3)
		stop, over := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(over)
			for {
				select {
				case <-stop:
					r.put32(at, gram)
					return
				default:
					for range 1000 {
						r.put32(at, request)
						r.put32(at, gram)
					}
					runtime.Gosched()
				}
			}
		}()
		first, e := r.entryAt(0, 2, 0)
		r.put32(first, e)
		r.request(4, "last")
		r.put16(r.slot(4)+slotPlace, uint16(r.pos+2))
		behind, e := r.entryAt(2, 1, 4)
		r.put32(behind, e)
		r.pos += 3
		r.bell()
		receive(t, "what stands behind both messages", last)
		close(stop)
		<-over
		within(t, "requests are answered", func() {
			for p.Stats().InProgress > 0 && p.Stats().InProgress < 1000 {
				runtime.Gosched()
			}
		})
		if n := p.Stats().InProgress; n != 0 {
			t.Fatalf("the port has %d requests in progress", n)
		}
		r.close()
	}
}

// Sends that are given up while another one waits for room leave nothing behind.
func TestSendsGivenUp(t *testing.T) {
	s := rawListen(t)
	admitted := make(chan *raw, 1)
	go func() {
		if r, err := s.admit(); err == nil {
			admitted <- r
		}
	}()
	c := dial(t, portName(t), nil)
	r := receive(t, "a connection", admitted)
	t.Cleanup(r.close)
	full := make(chan struct{})
	go func() {
		n := 0
		for c.Send(context.Background(), nil) == nil {
			if n++; n == 128 {
				close(full)
			}
		}
	}()
	await(t, "a full ring", full)
	before := runtime.NumGoroutine()
	for range 1000 {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Microsecond)
		if err := c.Send(ctx, nil); err == nil {
			t.Fatal("a datagram was sent though there is no room")
		}
		cancel()
	}
	if n := runtime.NumGoroutine(); n > before+10 {
		t.Errorf("%d goroutines before, %d after 1000 sends that were given up", before, n)
	}
}
