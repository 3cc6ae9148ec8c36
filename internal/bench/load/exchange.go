package load

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/bench/loops"
	"github.com/seed-eedd8485/lpc/internal/bench/transport"
)

// exchange is one caller's requests over one connection: the same buffers
// again and again, each request with its number, each reply checked.
type exchange struct {
	conn   transport.Conn
	op     transport.Op
	req    []byte
	reply  []byte
	number uint64
}

func newExchange(c transport.Conn, bytes, reply int) *exchange {
	x := &exchange{conn: c, op: transport.OpEcho, req: make([]byte, bytes), reply: make([]byte, reply)}
	if reply != bytes {
		x.op = transport.OpShort
	}
	loops.Fill(x.req, byte(x.op), 0)
	return x
}

// call makes one call.
func (x *exchange) call(ctx context.Context) error {
	x.number++
	transport.SetHeader(x.req, x.op, x.number)
	n, err := x.conn.Call(ctx, x.req, x.reply)
	if err != nil {
		return err
	}
	return check(x.reply[:n], len(x.reply), x.number)
}

// check tells whether a reply is the one that was asked for.
func check(reply []byte, bytes int, number uint64) error {
	if len(reply) != bytes {
		return fmt.Errorf("a reply of %d bytes, want %d", len(reply), bytes)
	}
	if got := transport.Number(reply); got != number {
		return fmt.Errorf("a reply with %#x in it, want %#x", got, number)
	}
	return nil
}

// ask asks the server for a number: OpCount or OpWhere.
func (x *exchange) ask(ctx context.Context, op transport.Op) (uint64, error) {
	transport.SetHeader(x.req, op, 0)
	n, err := x.conn.Call(ctx, x.req, x.reply)
	if err != nil {
		return 0, err
	}
	if n != transport.ShortBytes {
		return 0, fmt.Errorf("a number of %d bytes, want %d", n, transport.ShortBytes)
	}
	return transport.Number(x.reply[:n]), nil
}
