package robust

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc"
)

// A betrayal is something that no server does which follows the protocol. The
// client has one call in progress, of n bytes, or an Alloc.
type betrayal struct {
	name string
	n    int // bytes of the call
	do   func(t *testing.T, r *raw)
	says string // in the client's error; "" if it lives with it
}

// reply answers the request in slot 0 of the client, with something wrong.
func reply(spoil func(r *raw, at int)) func(*testing.T, *raw) {
	return func(_ *testing.T, r *raw) {
		at := toServer.slots
		eventually(hangs, func() bool { return atomic.LoadUint64(r.word64(at)) == 1<<3|waiting })
		r.message(at, "")
		r.put16(at+slotStatus, 0)
		spoil(r, at)
		r.wakeClient()
	}
}

// wakeClient says that slot 0 is answered.
func (r *raw) wakeClient() {
	r.put32(toServer.hints, 1<<16)
	r.put32(toServer.lines+lineTail, 129)
	r.put32(toServer.lines+lineSleep, 0)
	_ = wakeFutex(r.word32(toServer.lines + lineSleep))
	r.bell()
}

// grant answers a GROW.
func grant(size uint64, number uint32, flags uint16, fd func(t testing.TB) int) func(*testing.T, *raw) {
	return func(t *testing.T, r *raw) {
		b, fds, err := r.read()
		closeAll(fds)
		if err != nil || b[frameKind] != frameGrow {
			t.Errorf("want a GROW frame: %v %v", b, err)
			return
		}
		f := with(with(with(frame(frameSection, size, ""), frameFlags, flags), frameSectionNo, number), frameNumber, uint32(b[frameNumber]))
		_ = r.send(f, fd(t))
	}
}

func section(size int) func(t testing.TB) int {
	return func(t testing.TB) int { return memory(t, 0, size, allSeals) }
}

func doneReply(word uint64) func(*testing.T, *raw) {
	return reply(func(r *raw, at int) { r.put64(at, word) })
}

var betrayals = []betrayal{
	{"word", 5, doneReply(0xbad), "holds 0xbad"},
	{"generation", 5, doneReply(2<<3 | done), "holds 0x12"},
	{"free", 5, doneReply(1 << 3), "holds 0x8"},
	{"zero", 5, doneReply(0), "holds 0x0"},
	{"abandoned", 5, doneReply(1<<3 | abandoned), "holds 0xb"},
	{"length", 5, reply(func(r *raw, at int) { r.put16(at+msgData, 305); r.put64(at, 1<<3|done) }), "data length 305"},
	{"flags", 5, reply(func(r *raw, at int) { r.put16(at+msgFlags, 0x100); r.put64(at, 1<<3|done) }), "flags 0x100"},
	{"status", 5, reply(func(r *raw, at int) { r.put16(at+slotStatus, 1234); r.put64(at, 1<<3|done) }), "status 1234"},
	{"section", 5, reply(func(r *raw, at int) { r.dataInfo(at, 3<<40, 1); r.put64(at, 1<<3|done) }), "section 3"},
	{"section 0", 5, reply(func(r *raw, at int) { r.dataInfo(at, 0, 1); r.put64(at, 1<<3|done) }), "section 0"},
	{"length beyond the limit", 5, reply(func(r *raw, at int) { r.dataInfo(at, 0, 1<<63); r.put64(at, 1<<3|done) }), "limit is"},
	{"CLOSE with a descriptor", 5, func(_ *testing.T, r *raw) { _ = r.send(frame(frameClose, 0, ""), 0) }, "CLOSE frame"},
	{"GROW", 5, func(_ *testing.T, r *raw) { _ = r.send(frame(frameGrow, 1, "")) }, "GROW frame"},
	{"CONNECT", 5, func(_ *testing.T, r *raw) { _ = r.send(frame(frameConnect, 1, "")) }, "CONNECT frame"},
	{"SECTION without a descriptor", 5, func(_ *testing.T, r *raw) { _ = r.send(frame(frameSection, 1<<14, "")) }, "SECTION frame, with descriptor: false"},
	{"SECTION not asked", 5, func(t *testing.T, r *raw) {
		_ = r.send(with(with(frame(frameSection, 1<<14, ""), frameFlags, uint16(1)), frameNumber, uint32(99)), section(1<<14)(t))
	}, "not asked"},
	{"SECTION of no size", 5, func(t *testing.T, r *raw) { _ = r.send(frame(frameSection, 0, ""), section(1<<14)(t)) }, "section of 0 bytes"},
	{"SECTION of all sizes", 5, func(t *testing.T, r *raw) { _ = r.send(frame(frameSection, 1<<63, ""), section(1<<14)(t)) }, "section of 9223372036854775808 bytes"},
	{"SECTION twice", 5, func(t *testing.T, r *raw) {
		for range 2 {
			_ = r.send(with(frame(frameSection, 1<<14, ""), frameSectionNo, uint32(1)), section(1<<14)(t))
		}
	}, "sent twice"},
	{"request, kind", 5, func(_ *testing.T, r *raw) { r.publish(7, 0) }, "kind 7"},
	{"request, slot 64", 5, func(_ *testing.T, r *raw) { r.publish(1, 64) }, "index 64"},
	{"request, generation", 5, func(_ *testing.T, r *raw) { r.request(0, "x"); r.put64(r.slot(0), 17<<3|waiting); r.publish(1, 0) }, "generation 17"},
	{"request, length", 5, func(_ *testing.T, r *raw) { r.request(0, "x"); r.put16(r.slot(0)+msgData, 999); r.publish(1, 0) }, "data length 999"},
	{"request, section", 5, func(_ *testing.T, r *raw) { r.request(0, "x"); r.dataInfo(r.slot(0), 5<<40, 8); r.publish(1, 0) }, "section 5"},

	{"section too small for what was asked", 20_000, grant(1<<14, 1, 1, section(1<<14)), "section of 16384 bytes"},
	{"section of 100 bytes", 10_000, grant(100, 1, 1, section(100)), "section of 100 bytes"},
	{"section of another size than it says", 10_000, grant(1<<14, 1, 1, section(1<<15)), "agreed were"},
	{"section of an odd size", 10_000, grant(20480, 1, 1, section(20480)), "section of 20480 bytes"},
	{"nothing, then the end", 10_000, func(_ *testing.T, r *raw) { r.close() }, "peer died"},
	{"sleepers, progress, hints", 5, func(_ *testing.T, r *raw) {
		for i := range 3000 {
			for _, at := range []int{lineSleep, lineRoom, lineState, lineHead, lineCells, lineTail} {
				r.put32(toServer.lines+at, rand.Uint32()>>(i%32))
				r.put32(toClient.lines+at, rand.Uint32()>>(i%32))
			}
			r.put32(toServer.hints+i%128*4, rand.Uint32())
			if i%100 == 0 {
				r.bell()
			}
		}
		r.close()
	}, "peer died"},
}

// TestHostileServer: each betrayal gives the client an error that says what was
// wrong, ends its connection, and nothing worse.
func TestHostileServer(t *testing.T) {
	base := takeCensus()
	for _, w := range wrongFDs {
		b := betrayal{"SECTION: " + w.name, 10_000, grant(1<<14, 1, 1, func(t testing.TB) int { return w.make(t, 1<<14) }), w.says}
		t.Run(b.name, b.check)
	}
	for _, b := range betrayals {
		t.Run(b.name, b.check)
	}
	base.check(t)
}

func (b *betrayal) check(t *testing.T) {
	s := rawListen(t)
	ended := make(chan error, 1)
	got := make(chan error, 1)
	go func() {
		c, err := lpc.Dial(context.Background(), portName(t), &lpc.DialOptions{
			Handler: lpc.HandlerFunc(echo), OnClose: func(_ *lpc.Conn, err error) { ended <- err },
		})
		if err == nil {
			if b.n > 304 {
				var buf *lpc.Buffer
				if buf, err = c.Alloc(context.Background(), b.n); err == nil {
					clear(buf.Bytes())
					buf.Release()
				}
			} else {
				_, err = c.Call(context.Background(), make([]byte, b.n))
			}
			<-c.Done()
			_ = c.Close()
		}
		got <- err
	}()
	r, err := s.admit()
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	within(t, b.name, func() { b.do(t, r) })
	for _, from := range []struct {
		what string
		err  error
	}{{"the call", receive(t, "the call's end", got)}, {"OnClose", receive(t, "OnClose", ended)}} {
		if from.err == nil || !strings.Contains(from.err.Error(), b.says) || b.says != "peer died" && !errors.Is(from.err, lpc.ErrProtocol) {
			t.Errorf("%s is told %q, want ErrProtocol with %q", from.what, from.err, b.says)
		}
	}
	if b.says != "peer died" {
		if reason, text, err := r.farewell(); err != nil || reason != 4 || !strings.Contains(text, b.says) {
			t.Errorf("the culprit is told reason %d, %q (%v), want 4 with %q", reason, text, err, b.says)
		}
	}
}

// TestPunchedSections: a section that a server punched holes into is all zero
// there, and that is legal.
func TestPunchedSections(t *testing.T) {
	base := takeCensus()
	t.Run("client", func(t *testing.T) {
		s := rawListen(t)
		got := make(chan error, 1)
		go func() {
			c, err := lpc.Dial(context.Background(), portName(t), nil)
			if err == nil {
				ctx, cancel := context.WithTimeout(context.Background(), hangs)
				defer cancel()
				var b []byte
				if b, err = c.Call(ctx, manyBytes[:10_000]); err == nil && (len(b) != 9000 || strings.Trim(string(b), "\x00") != "") {
					err = errors.New("the reply is not 9,000 zeros")
				}
				_ = c.Close()
			}
			got <- err
		}()
		r, err := s.admit()
		if err != nil {
			t.Fatal(err)
		}
		defer r.close()
		fd := section(1 << 14)(t)
		grant(1<<14, 1, 1, func(testing.TB) int { return fd })(t, r)
		_ = unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE|unix.FALLOC_FL_PUNCH_HOLE, 0, 1<<14)
		reply(func(r *raw, at int) {
			_ = unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE|unix.FALLOC_FL_PUNCH_HOLE, 0, 1<<14)
			r.dataInfo(at, 1<<40, 9000)
			r.put64(at, 1<<3|done)
		})(t, r)
		if err := receive(t, "the call", got); err != nil {
			t.Error(err)
		}
	})
	base.check(t)
}

// TestServerNeverGrants: what waits for a section ends at its deadline.
func TestServerNeverGrants(t *testing.T) {
	base := takeCensus()
	t.Run("client", func(t *testing.T) {
		s := rawListen(t)
		conns := make(chan *lpc.Conn, 1)
		go func() {
			c, err := lpc.Dial(context.Background(), portName(t), nil)
			if err != nil {
				t.Error(err)
			}
			conns <- c
		}()
		r, err := s.admit()
		if err != nil {
			t.Fatal(err)
		}
		defer r.close()
		c := receive(t, "Dial", conns)
		for i := range 500 { // more than a control socket holds frames
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%3)*time.Millisecond)
			if _, err := c.Alloc(ctx, 5000); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("Alloc gives %v, want its deadline", err)
			}
			cancel()
		}
		_ = c.Close()
	})
	base.check(t)
}
