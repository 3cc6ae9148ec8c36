package main

import (
	"context"

	"github.com/seed-eedd8485/lpc"
)

// sendCmd is lpc send.
type sendCmd struct {
	Timeout timeout `short:"t" name:"timeout" default:"30s" placeholder:"DUR" help:"Give up after DUR (${default} unless told, 0 never)."`
	Name    string  `arg:"" help:"The port: spool, ncalrpc:[spool] or \\RPC Control\\spool."`
	Data    string  `arg:"" help:"The datagram; - reads it from standard input."`
}

// Run sends one datagram. It returns when the datagram is in the server's ring,
// where it outlives this process; whether a handler looked at it is not known.
func (s *sendCmd) Run() error {
	data, err := requestData(s.Data)
	if err != nil {
		return about(s.Name, err)
	}
	return s.Timeout.dial(s.Name, func(ctx context.Context, conn *lpc.Conn) error {
		return conn.Send(ctx, data)
	})
}
