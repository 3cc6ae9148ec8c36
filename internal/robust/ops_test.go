package robust

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/seed-eedd8485/lpc"
)

// An op is something that a client does until it gives an error.
type op struct {
	name string
	do   func(c *lpc.Conn, i int) error
}

var (
	someBytes = bytes.Repeat([]byte{'x'}, 200)
	manyBytes = bytes.Repeat([]byte{'x'}, 300_000)
)

// everything that a client can do. The first byte of a message tells the server
// what to do with it: see everyOp.
var everything = []op{
	{"small call", func(c *lpc.Conn, _ int) error {
		_, err := c.Call(context.Background(), someBytes)
		return err
	}},
	{"call into a buffer", func(c *lpc.Conn, _ int) error {
		var b [256]byte
		_, err := c.CallInto(context.Background(), someBytes, b[:])
		return err
	}},
	{"large call", func(c *lpc.Conn, i int) error {
		_, err := c.Call(context.Background(), manyBytes[:1000+i*7919%290_000])
		return err
	}},
	{"call with a deadline", func(c *lpc.Conn, i int) error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%300)*time.Microsecond)
		defer cancel()
		_, err := c.Call(ctx, someBytes)
		return unlessLate(err)
	}},
	{"large call with a deadline", func(c *lpc.Conn, i int) error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%300)*time.Microsecond)
		defer cancel()
		_, err := c.Call(ctx, manyBytes[:5000])
		return unlessLate(err)
	}},
	{"buffer", func(c *lpc.Conn, i int) error {
		b, err := c.Alloc(context.Background(), 1+i*7919%290_000)
		if err != nil {
			return err
		}
		defer b.Release()
		b.Bytes()[0], b.Bytes()[len(b.Bytes())-1] = 'x', 'x'
		r, err := c.CallBuffer(context.Background(), b)
		if err == nil {
			_ = r.Bytes()
			r.Release()
		}
		return err
	}},
	{"callback", func(c *lpc.Conn, _ int) error {
		_, err := c.Call(context.Background(), []byte("callback"))
		return unlessFailed(err)
	}},
	{"parked call", func(c *lpc.Conn, _ int) error {
		_, err := c.Call(context.Background(), []byte("hold"))
		return err
	}},
	{"callback that is never answered", func(c *lpc.Conn, _ int) error {
		_, err := c.Call(context.Background(), []byte("Callback"))
		return unlessFailed(err)
	}},
	{"datagram", func(c *lpc.Conn, _ int) error { return c.Send(context.Background(), someBytes) }},
	{"large datagram", func(c *lpc.Conn, i int) error {
		return c.Send(context.Background(), manyBytes[:1000+i%3000])
	}},
	{"buffer as a datagram", func(c *lpc.Conn, i int) error {
		b, err := c.Alloc(context.Background(), 1000+i%3000)
		if err != nil {
			return err
		}
		b.Bytes()[0] = 'x'
		return c.SendBuffer(context.Background(), b)
	}},
}

// unlessFailed passes over a handler's failure: the server's end was closed first,
// and its reply was there.
func unlessFailed(err error) error {
	if errors.Is(err, lpc.ErrHandlerFailed) {
		return nil
	}
	return err
}

func unlessLate(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// onHold is called when everyOp has a call that it will not answer.
var onHold = func() {}

// everyOp serves what everything and the scenarios ask: the first byte of a
// message says what to do with it.
func everyOp(r lpc.Request) {
	var first byte
	if r.Len() > 0 {
		first = r.View()[0]
	}
	switch {
	case r.Kind() == lpc.KindDatagram:
	case first == 'c' || first == 'C':
		data := someBytes
		if first == 'C' {
			data = []byte("hold")
		}
		b, err := r.Callback(context.Background(), data)
		if err != nil {
			_ = r.Fail(1, err.Error())
			return
		}
		_ = r.Reply(b)
	case first == 'h':
		onHold()
		<-r.Conn().Done()
		_ = r.Reply(nil)
	case first == 'g':
		_ = r.Conn().Send(context.Background(), someBytes)
		_ = r.Reply(nil)
	case first == 'k':
		_ = r.Conn().Close()
	default:
		_ = r.Reply(r.View())
	}
}
