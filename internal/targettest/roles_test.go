package targettest

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/seed-eedd8485/lpc"
)

var roles = map[string]func() error{
	"server": server,
	"client": client,
	"load":   load,
	"grower": grower,
	"none":   func() error { return untilInputEnds() },
}

// untilInputEnds says ready and stays until the test closes the process's input.
func untilInputEnds() error {
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// server has a port in each state: "idle" has no messages; "busy" has one worker,
// which is in a handler for good, so that further calls are queued; "later" defers
// every reply for good.
func server() error {
	forever := make(chan struct{})
	for name, h := range map[string]lpc.HandlerFunc{
		"idle":           func(lpc.Request) {},
		"busy":           func(lpc.Request) { <-forever },
		`\Deep\er\Later`: func(r lpc.Request) { r.Defer() },
	} {
		p, err := lpc.Listen(name, &lpc.ListenOptions{MaxWorkers: 1})
		if err != nil {
			return err
		}
		go func() { _ = lpc.Serve(context.Background(), p, h) }()
	}
	return untilInputEnds()
}

// client waits in three calls to "busy" and one to "later", and has an idle
// connection to "idle".
func client() error {
	ctx := context.Background()
	for name, calls := range map[string]int{"idle": 0, "busy": 3, `\Deep\er\Later`: 1} {
		c, err := lpc.Dial(ctx, name, nil)
		if err != nil {
			return err
		}
		for i := range calls {
			go func() { _, _ = c.Call(ctx, fmt.Appendf(nil, "call %d to %s", i, name)) }()
		}
	}
	return untilInputEnds()
}

// load is a server and its own clients, which make and end connections and calls
// for good: records come and go all the time.
func load() error {
	p, err := lpc.Listen("load", nil)
	if err != nil {
		return err
	}
	go func() {
		_ = lpc.Serve(context.Background(), p, lpc.HandlerFunc(func(r lpc.Request) { _ = r.Reply(r.View()) }))
	}()
	ctx := context.Background()
	for range 4 {
		go func() {
			for {
				c, err := lpc.Dial(ctx, "load", nil)
				if err != nil {
					continue
				}
				done := make(chan struct{})
				for range 4 {
					go func() {
						for range 50 {
							_, _ = c.Call(ctx, make([]byte, 1000))
						}
						done <- struct{}{}
					}()
				}
				for range 4 {
					<-done
				}
				_ = c.Close()
				runtime.GC() // gives back thread records
			}
		}()
	}
	return untilInputEnds()
}

// grower receives 2000 requests that it does not reply to, when told to: their
// records take more than three extents.
func grower() error {
	p, err := lpc.Listen("grower", nil)
	if err != nil {
		return err
	}
	got := make(chan struct{}, 1)
	go func() {
		_ = lpc.Serve(context.Background(), p, lpc.HandlerFunc(func(r lpc.Request) { r.Defer(); got <- struct{}{} }))
	}()
	fmt.Println("ready")
	if _, err := fmt.Scanln(new(string)); err != nil {
		return err
	}
	ctx := context.Background()
	for range 20 {
		c, err := lpc.Dial(ctx, "grower", nil)
		if err != nil {
			return err
		}
		for range 100 {
			go func() { _, _ = c.Call(ctx, nil) }()
		}
	}
	for range 2000 {
		<-got
	}
	fmt.Println("grown")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
