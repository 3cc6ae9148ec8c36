// Command leak is a service that forgets memory, to be found with lpc kd.
//
// thumbs makes previews of pictures. For each picture it takes a buffer of section
// memory under the tag Thmb, in which the client is to read the preview. When a picture
// is damaged the handler returns early and forgets to release the buffer.
//
//	leak              serve, until it is interrupted
//	leak send COUNT   send so many pictures; each fourth is damaged
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"

	"github.com/seed-eedd8485/lpc"
)

const port = "thumbs"

func main() {
	run := serve
	if len(os.Args) == 3 && os.Args[1] == "send" {
		run = send
	} else if len(os.Args) != 1 {
		fmt.Fprintln(os.Stderr, "usage: leak [send COUNT]")
		os.Exit(2)
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "leak:", err)
		os.Exit(1)
	}
}

// serve serves the port until an interrupt.
func serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p, err := lpc.Listen(port, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	fmt.Println("serving", port)
	err = lpc.Serve(ctx, p, lpc.HandlerFunc(func(r lpc.Request) {
		if err := preview(r); err != nil {
			_ = r.Fail(1, err.Error())
		}
	}))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

const previewBytes = 64 << 10

// preview sends the client a preview of the picture in its request.
func preview(r lpc.Request) error {
	b, err := r.Conn().AllocTag(r.Context(), previewBytes, "Thmb")
	if err != nil {
		return err
	}
	picture := r.Bytes()
	if len(picture) == 0 || picture[0] != 'P' {
		return errors.New("the picture is damaged") // the leak: nobody releases b
	}
	for i := range b.Bytes() {
		b.Bytes()[i] = picture[i%len(picture)]
	}
	if err := r.Conn().SendBuffer(r.Context(), b); err != nil { // it takes b over
		return err
	}
	return r.Reply(nil)
}

// send sends pictures.
func send() error {
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		return fmt.Errorf("%s is no count of pictures", os.Args[2])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c, err := lpc.Dial(ctx, port, &lpc.DialOptions{Handler: lpc.HandlerFunc(func(lpc.Request) {})})
	if err != nil {
		return err
	}
	defer c.Close()
	damaged := 0
	for i := range n {
		picture := "P6 2 2 255"
		if i%4 == 3 {
			picture = "?6 2 2 255"
		}
		_, err := c.Call(ctx, []byte(picture))
		if errors.Is(err, lpc.ErrHandlerFailed) {
			damaged++
		} else if err != nil {
			return err
		}
	}
	fmt.Printf("%d pictures were sent, %d were damaged\n", n, damaged)
	return nil
}
