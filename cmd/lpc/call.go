package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/wire"
)

// callCmd is lpc call.
type callCmd struct {
	Timeout timeout `short:"t" name:"timeout" default:"30s" placeholder:"DUR" help:"Give up after DUR (${default} unless told, 0 never)."`
	Name    string  `arg:"" help:"The port: spool, ncalrpc:[spool] or \\RPC Control\\spool."`
	Data    string  `arg:"" optional:"" help:"The request; - reads it from standard input; none is an empty request."`
}

// Run calls the port once and writes the reply to stdout, byte for byte.
func (c *callCmd) Run() error {
	data, err := requestData(c.Data)
	if err != nil {
		return about(c.Name, err)
	}
	return c.Timeout.dial(c.Name, func(ctx context.Context, conn *lpc.Conn) error {
		reply, err := conn.Call(ctx, data)
		if err != nil {
			return err
		}
		if _, err := os.Stdout.Write(reply); err != nil {
			return fmt.Errorf("writing the reply: %w", err)
		}
		return nil
	})
}

// timeout bounds the connection and what is done with it together; 0 is no bound.
type timeout time.Duration

// UnmarshalText reads a Go duration, or a bare 0.
func (t *timeout) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not a time such as 500ms, 30s or 0", b)
	}
	*t = timeout(d)
	return nil
}

// dial connects to the port, runs use and closes the connection. Its error
// says which port it is about.
func (t timeout) dial(port string, use func(context.Context, *lpc.Conn) error) error {
	ctx := context.Background()
	if t != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(t))
		defer cancel()
	}
	conn, err := lpc.Dial(ctx, port, nil)
	if err != nil {
		return about(port, err)
	}
	defer conn.Close()
	return about(port, use(ctx, conn))
}

// requestData is the request that an argument means: itself, or for "-" all of
// stdin, of which no more is read than a message may hold and one byte.
func requestData(arg string) ([]byte, error) {
	if arg != "-" {
		return []byte(arg), nil
	}
	var b bytes.Buffer
	if st, err := os.Stdin.Stat(); err == nil && st.Mode().IsRegular() {
		b.Grow(int(min(st.Size(), wire.DefaultLimit)) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(io.LimitReader(os.Stdin, wire.DefaultLimit+1)); err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	return b.Bytes(), nil
}
