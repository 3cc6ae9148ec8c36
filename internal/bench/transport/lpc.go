package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"path/filepath"
	"sync"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/bench/loops"
	"github.com/seed-eedd8485/lpc/section"
)

// lpcSystem is this project's own: the public API and nothing else. Copied
// requests are served from a private copy (Request.Bytes) and land in the
// caller's buffer (CallInto); requests built in place are summed where they
// stand (Request.View) and an echo of them is built in place too.
type lpcSystem struct{}

func (lpcSystem) Name() string { return "lpc" }
func (lpcSystem) Shared() bool { return true }

func (lpcSystem) Serve(ctx context.Context, addr string) (Server, error) {
	port, err := lpc.Listen(filepath.Base(addr), nil)
	if err != nil {
		return nil, err
	}
	s := &lpcServer{port: port, served: make(chan error, 1)}
	go func() { s.served <- lpc.Serve(ctx, port, lpc.HandlerFunc(s.serve)) }()
	return s, nil
}

func (lpcSystem) Dial(ctx context.Context, addr string) (Conn, error) {
	c, err := lpc.Dial(ctx, filepath.Base(addr), nil)
	if err != nil {
		return nil, err
	}
	return lpcConn{c}, nil
}

type lpcServer struct {
	worker worker
	port   *lpc.Port
	served chan error // what Serve returned
}

// serve is the handler. A reply that cannot be given finds its caller gone,
// who will say so; there is nobody to tell here.
func (s *lpcServer) serve(r lpc.Request) {
	if r.Kind() == lpc.KindDatagram {
		s.worker.datagrams.Add(1)
		return
	}
	seen := r.View()
	if !sane(seen) {
		_ = r.Reply(nil)
		return
	}
	switch Op(seen[0]) {
	case OpEcho:
		private(r, func(b []byte) { _ = r.Reply(b) })
	case OpLate:
		private(r, func(b []byte) { workOn(); _ = r.Reply(b) })
	case OpShort:
		private(r, func(b []byte) { _ = r.Reply(b[numberAt : numberAt+ShortBytes]) })
	case OpSum:
		replySum(r, seen)
	case OpSumShort:
		replyNumber(r, loops.Sum(seen))
	case OpNothing:
		replyNumber(r, binary.LittleEndian.Uint64(seen[numberAt:]))
	case OpCount:
		replyNumber(r, s.worker.datagrams.Load())
	case OpWhere:
		replyNumber(r, CPU())
	default:
		_ = r.Reply(nil)
	}
}

// buffers are the handlers' private memory, as a socket's server has its read buffer.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// private copies the request to memory that the client cannot change and calls f with
// it. Up to 304 bytes are such a copy already.
func private(r lpc.Request, f func([]byte)) {
	if r.Len() <= inline {
		f(r.View())
		return
	}
	p := buffers.Get().(*[]byte)
	defer buffers.Put(p)
	if n := r.Len(); cap(*p) < n {
		*p = make([]byte, n)
	}
	b := (*p)[:r.Len()]
	section.Copy(b, r.View())
	f(b)
}

// replySum builds the echo of seen in place, with its sum.
func replySum(r lpc.Request, seen []byte) {
	sum := loops.Sum(seen)
	out, err := r.AllocReply(len(seen))
	if err != nil {
		_ = r.Fail(1, err.Error())
		return
	}
	section.Copy(out, seen)
	binary.LittleEndian.PutUint64(out[numberAt:], sum)
	_ = r.ReplyAlloc(len(seen))
}

// replyNumber answers with 8 bytes, built in place.
func replyNumber(r lpc.Request, v uint64) {
	out, err := r.AllocReply(ShortBytes)
	if err != nil {
		_ = r.Fail(1, err.Error())
		return
	}
	binary.LittleEndian.PutUint64(out, v)
	_ = r.ReplyAlloc(ShortBytes)
}

// Close ends the port and waits for Serve, whose ErrPortClosed is the end that
// was asked for.
func (s *lpcServer) Close() error {
	err := s.port.Close()
	if served := <-s.served; !errors.Is(served, lpc.ErrPortClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// inline is the most bytes that stand in the slot, copied (design.md section 4).
const inline = 304

type lpcConn struct{ conn *lpc.Conn }

func (c lpcConn) Call(ctx context.Context, req, reply []byte) (int, error) {
	return c.conn.CallInto(ctx, req, reply)
}

func (c lpcConn) Send(ctx context.Context, data []byte) error { return c.conn.Send(ctx, data) }

func (c lpcConn) View(ctx context.Context, n int) (View, error) {
	b, err := c.conn.Alloc(ctx, n)
	if err != nil {
		return nil, err
	}
	return &lpcView{conn: c.conn, buffer: b}, nil
}

func (c lpcConn) Close() error { return c.conn.Close() }

// lpcView is section memory. The last reply is held until the next call.
type lpcView struct {
	conn   *lpc.Conn
	buffer *lpc.Buffer
	reply  lpc.Reply
	held   bool
}

func (v *lpcView) Bytes() []byte { return v.buffer.Bytes() }

func (v *lpcView) Call(ctx context.Context) ([]byte, error) {
	v.release()
	reply, err := v.conn.CallBuffer(ctx, v.buffer)
	if err != nil {
		return nil, err
	}
	v.reply, v.held = reply, true
	return reply.View(), nil
}

// InPlace is true of a request that goes through the section.
func (v *lpcView) InPlace() bool { return len(v.Bytes()) > inline }

func (v *lpcView) release() {
	if v.held {
		v.reply.Release()
		v.held = false
	}
}

func (v *lpcView) Close() error {
	v.release()
	v.buffer.Release()
	return nil
}
