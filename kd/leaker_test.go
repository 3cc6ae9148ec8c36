package kd_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/seed-eedd8485/lpc"
)

func init() { roles["leaker"] = leaker }

// leaker is a service with a client in its own process, whose connections hold section
// memory. A line on standard input says what to do, and "done" when it is done:
//
//	take COUNT BYTES TAG   allocate so many buffers and keep them
//	give COUNT             release that many, the oldest first
//	ask BYTES              a buffer that the port's quota refuses
//	lock                   lock the pool in memory
//
// The first argument is the port's name, the second the section memory that it grants
// one user, in bytes.
func leaker() error {
	args := os.Args[1:]
	var quota int64
	if _, err := fmt.Sscan(args[1], &quota); err != nil {
		return err
	}
	conns := make(chan *lpc.Conn, 1)
	port, err := lpc.Listen(args[0], &lpc.ListenOptions{MaxSectionBytesPerUID: quota, OnConnect: func(r *lpc.ConnRequest) {
		if c, err := r.Accept(nil); err == nil {
			conns <- c
		}
	}})
	if err != nil {
		return err
	}
	go func() {
		_ = lpc.Serve(context.Background(), port, lpc.HandlerFunc(func(r lpc.Request) { _ = r.Reply(nil) }))
	}()
	if _, err := lpc.Dial(context.Background(), args[0], nil); err != nil {
		return err
	}
	conn := <-conns
	var held []*lpc.Buffer
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); fmt.Println("done") {
		var verb, tag string
		var count, size int
		switch n, _ := fmt.Sscan(in.Text(), &verb, &count, &size, &tag); {
		case verb == "take" && n == 4:
			for range count {
				b, err := conn.AllocTag(context.Background(), size, tag)
				if err != nil {
					return err
				}
				held = append(held, b)
			}
		case verb == "give" && n == 2:
			for _, b := range held[:count] {
				b.Release()
			}
			held = held[count:]
		case verb == "ask" && n == 2:
			if _, err := conn.AllocTag(context.Background(), count, "Much"); !errors.Is(err, lpc.ErrQuota) {
				return fmt.Errorf("a buffer of %d bytes: %v", count, err)
			}
		case verb == "lock":
			if err := lpc.LockPool(); err != nil {
				return err
			}
		default:
			return fmt.Errorf("what is %q?", in.Text())
		}
	}
	return nil
}
