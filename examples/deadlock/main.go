// Command deadlock is two services that hang on each other, to be looked at with
// lpc kd.
//
// The program starts itself three times. orders and stock serve a port each, one
// request at a time (MaxWorkers 1), as services do that must keep their requests in
// order. A customer orders something; orders asks stock to reserve it; stock, to
// know what it is worth, asks orders for the price. That request waits in the queue
// of orders until its only handler is free, which waits for stock.
//
// It runs until it is interrupted.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"github.com/seed-eedd8485/lpc"
)

func main() {
	role, run := "", parent
	if len(os.Args) > 1 {
		role = os.Args[1]
		run = map[string]func() error{"orders": orders, "stock": stock, "customer": customer}[role]
	}
	if run == nil {
		fmt.Fprintf(os.Stderr, "deadlock: there is no role %q\n", role)
		os.Exit(2)
	}
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "deadlock %s: %v\n", role, err)
		os.Exit(1)
	}
}

// parent starts the three and waits for an interrupt.
func parent() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, role := range []string{"orders", "stock", "customer"} {
		pid, err := start(ctx, role)
		if err != nil {
			return err
		}
		fmt.Printf("%s is process %d\n", role, pid)
	}
	fmt.Println("They hang. Look at them with: lpc kd -c '!deadlock'")
	<-ctx.Done()
	return nil
}

// start starts a role, which ends with ctx or with this process, and waits until it
// has said that it is at work.
func start(ctx context.Context, role string) (pid int, err error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, exe, role)
	cmd.Env = append(os.Environ(), "LPC_STACKS=1") // a waiting call then says where it was made
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // its end is the end of this process
		return 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return 0, fmt.Errorf("waiting for %s: %w", role, err)
	}
	return cmd.Process.Pid, nil
}

// orders takes orders and has each reserved by stock.
func orders() error {
	return serve("orders", func(r lpc.Request, stock func(string) error) error {
		if string(r.Bytes()) == "price" {
			return nil
		}
		return stock("reserve")
	}, "stock")
}

// stock reserves what was ordered, and asks orders for its price.
func stock() error {
	return serve("stock", func(_ lpc.Request, orders func(string) error) error {
		return orders("price")
	}, "orders")
}

// serve serves a port with one handler, which is given a function that calls the
// other port on behalf of its request.
func serve(name string, handle func(lpc.Request, func(string) error) error, other string) error {
	port, err := lpc.Listen(name, &lpc.ListenOptions{MaxWorkers: 1})
	if err != nil {
		return err
	}
	defer port.Close()
	fmt.Println("ready")
	ctx, stop := untilInputEnds()
	defer stop()
	err = lpc.Serve(ctx, port, lpc.HandlerFunc(func(r lpc.Request) {
		err := handle(r, func(request string) error {
			conn, err := lpc.Dial(r.Context(), other, nil)
			if err != nil {
				return err
			}
			defer conn.Close()
			_, err = conn.Call(r.Context(), []byte(request)) // its context makes the call the request's
			return err
		})
		if err != nil {
			_ = r.Fail(1, err.Error())
			return
		}
		_ = r.Reply(nil)
	}))
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// customer orders.
func customer() error {
	ctx, stop := untilInputEnds()
	defer stop()
	conn, err := lpc.Dial(ctx, "orders", nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	fmt.Println("ready")
	if _, err := conn.Call(ctx, []byte("order")); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// untilInputEnds is a context that ends with standard input: with the parent.
func untilInputEnds() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadByte()
		// The handlers never end, so the services would not either.
		cancel()
		os.Exit(0)
	}()
	return ctx, cancel
}
