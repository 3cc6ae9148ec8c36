package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/bench/loops"
)

// serve starts a system in this process and connects to it.
func serve(t *testing.T, name string) (System, Conn) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("LPC_ROOT", dir)
	s, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	server, err := s.Serve(context.Background(), filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Dial(t.Context(), filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(c.Close(), server.Close()); err != nil {
			t.Error(err)
		}
	})
	return s, c
}

// TestConformance holds every system that makes calls to the same work.
func TestConformance(t *testing.T) {
	for _, name := range []string{"lpc", "unix", "netrpc"} {
		t.Run(name, func(t *testing.T) {
			_, c := serve(t, name)
			for _, n := range []int{HeaderBytes, 32, 304, 312, 4 << 10, 16<<10 + 8, 64 << 10, 1 << 20} {
				req, reply := make([]byte, n), make([]byte, n)
				loops.Fill(req, byte(OpEcho), 1)
				SetHeader(req, OpEcho, uint64(n))
				if got, err := c.Call(t.Context(), req, reply); err != nil || got != n || !bytes.Equal(req, reply) {
					t.Errorf("echo of %d bytes: %d bytes, %v", n, got, err)
				}
				SetHeader(req, OpLate, uint64(n)+1)
				from := time.Now()
				if got, err := c.Call(t.Context(), req, reply); err != nil || got != n || !bytes.Equal(req, reply) || time.Since(from) < WaitTime {
					t.Errorf("late echo of %d bytes: %d bytes, %v", n, got, err)
				}
				SetHeader(req, OpShort, 12345)
				if got, err := c.Call(t.Context(), req, reply); err != nil || got != ShortBytes || Number(reply[:got]) != 12345 {
					t.Errorf("%d to 8 bytes: %d bytes, %v", n, got, err)
				}
				if n > HeaderBytes {
					testView(t, c, n)
				}
			}
			testWhere(t, c)
			testCallers(t, c)
			testDatagrams(t, name, c)
		})
	}
}

// testView has both kinds of sums made of memory built in place.
func testView(t *testing.T, c Conn, n int) {
	t.Helper()
	v, err := c.View(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range byte(3) {
		loops.Fill(v.Bytes(), byte(OpSum), seed)
		want := loops.Sum(v.Bytes())
		reply, err := v.Call(t.Context())
		if err != nil || len(reply) != n || Number(reply) != want || reply[n-1] != v.Bytes()[n-1] {
			t.Fatalf("sum and echo of %d bytes: %d bytes, %v", n, len(reply), err)
		}
		loops.Fill(v.Bytes(), byte(OpSumShort), seed)
		want = loops.Sum(v.Bytes())
		if reply, err = v.Call(t.Context()); err != nil || len(reply) != ShortBytes || Number(reply) != want {
			t.Fatalf("sum of %d bytes: %d bytes, %v", n, len(reply), err)
		}
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
}

func testWhere(t *testing.T, c Conn) {
	t.Helper()
	req, reply := make([]byte, HeaderBytes), make([]byte, HeaderBytes)
	SetHeader(req, OpWhere, 0)
	if n, err := c.Call(t.Context(), req, reply); err != nil || n != ShortBytes || Number(reply[:n]) > 1<<16 {
		t.Errorf("where: % x, %v", reply[:n], err)
	}
}

// testCallers has many callers on one connection; each finds its own replies.
func testCallers(t *testing.T, c Conn) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			req, reply := make([]byte, 64), make([]byte, 64)
			for k := range 50 {
				SetHeader(req, OpEcho, uint64(i<<16|k))
				if n, err := c.Call(t.Context(), req, reply); err != nil || Number(reply[:n]) != uint64(i<<16|k) {
					t.Errorf("caller %d, call %d: %#x, %v", i, k, Number(reply[:n]), err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// testDatagrams counts what arrived.
func testDatagrams(t *testing.T, name string, c Conn) {
	t.Helper()
	data := make([]byte, 64)
	if name == "netrpc" {
		if err := c.Send(t.Context(), data); !errors.Is(err, ErrUnsupported) {
			t.Errorf("a datagram over net/rpc: %v", err)
		}
		return
	}
	const sent = 500
	for range sent {
		if err := c.Send(t.Context(), data); err != nil {
			t.Fatal(err)
		}
	}
	req, reply := make([]byte, HeaderBytes), make([]byte, HeaderBytes)
	for got := uint64(0); got != sent; {
		SetHeader(req, OpCount, 0)
		n, err := c.Call(t.Context(), req, reply)
		if err != nil || Number(reply[:n]) > sent {
			t.Fatalf("%d datagrams of %d, %v", Number(reply[:n]), sent, err)
		}
		got = Number(reply[:n])
	}
}

// TestFloor: the floor does its own loop and nothing else.
func TestFloor(t *testing.T) {
	s, c := serve(t, "floor")
	b, ok := c.(Batcher)
	if !ok || s.Shared() {
		t.Fatal("the floor is not a Batcher of its own")
	}
	took := make([]uint64, 5)
	if err := errors.Join(b.Batch(5), b.BatchStamped(took)); err != nil {
		t.Fatal(err)
	}
	_, err := c.Call(t.Context(), nil, nil)
	_, viewErr := c.View(t.Context(), 8)
	for _, err := range []error{err, viewErr, c.Send(t.Context(), nil)} {
		if !errors.Is(err, ErrUnsupported) {
			t.Errorf("work that the floor has not: %v", err)
		}
	}
}

// TestAnswer: requests that make no sense are answered with nothing.
func TestAnswer(t *testing.T) {
	var w worker
	for _, req := range [][]byte{nil, make([]byte, HeaderBytes-1), make([]byte, HeaderBytes), make([]byte, HeaderBytes+1), bytes.Repeat([]byte{99}, 64)} {
		if n := w.answer(req); n != 0 {
			t.Errorf("% x is answered with %d bytes", req, n)
		}
	}
	if Number(make([]byte, 3)) != 0 {
		t.Error("three bytes hold a number")
	}
	if _, err := Named("telepathy"); err == nil {
		t.Error("there is a system telepathy")
	}
}

// TestFramesLimit: a length that nobody sends ends the connection before
// memory is made for it.
func TestFramesLimit(t *testing.T) {
	a, b := net.Pipe()
	defer func() { _ = a.Close() }()
	go func() { _, _ = b.Write(binary.LittleEndian.AppendUint32(nil, maxFrame+1)) }()
	if _, _, err := newFrames(a).next(); err == nil {
		t.Error("a frame above the limit is taken")
	}
	_ = b.Close()
	if _, _, err := newFrames(a).next(); err == nil {
		t.Error("a closed connection has a frame")
	}
}

// TestReplyTooLarge: a reply that does not fit is an error, not a short copy.
func TestReplyTooLarge(t *testing.T) {
	_, c := serve(t, "unix")
	req := make([]byte, 64)
	SetHeader(req, OpEcho, 1)
	if _, err := c.Call(t.Context(), req, make([]byte, 63)); err == nil {
		t.Error("64 bytes went into 63")
	}
}
