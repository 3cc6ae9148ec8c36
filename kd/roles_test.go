package kd_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/seed-eedd8485/lpc"
)

var roles = map[string]func() error{"service": service, "client": client}

// service NAME HANDLERS is a port with so many handlers; with 0, one that nobody lets a client
// into. A request says what its handler does:
//
//	hold                 nothing, until the process ends
//	spin                 the same in an endless loop
//	defer                the reply is to come, and never does
//	late                 it replies when the process is told to
//	forget               it returns and has not replied
//	call PORT REQUEST    it calls that port
//	fresh PORT REQUEST   the same with a context of its own
//	lock REQUEST         it takes the lock of the process, then does as REQUEST says
//	back TEXT            it calls the client back
//	as REQUEST           it acts as the client, and does as REQUEST says
//
// A line "close" on standard input closes the port, "reply" ends the wait of late, "end"
// ends the process.
func service() error {
	args := os.Args[1:]
	workers, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	port, err := lpc.Listen(args[0], &lpc.ListenOptions{MaxWorkers: max(workers, 1), ManualAccept: workers == 0})
	if err != nil {
		return err
	}
	sv := &server{never: make(chan struct{}), late: make(chan struct{}), conns: map[string]*lpc.Conn{}}
	go func() { _ = lpc.Serve(context.Background(), port, lpc.HandlerFunc(sv.serve)) }()
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() && in.Text() != "end" {
		switch in.Text() {
		case "close":
			if err := port.Close(); err != nil {
				return err
			}
			fmt.Println("closed")
		case "reply":
			sv.late <- struct{}{}
		}
	}
	return nil
}

type server struct {
	never chan struct{}
	late  chan struct{} // a value for each reply that is to go
	lock  sync.Mutex
	mu    sync.Mutex
	conns map[string]*lpc.Conn
}

// conn is the process's one connection to a port.
func (sv *server) conn(port string) (*lpc.Conn, error) {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	if c := sv.conns[port]; c != nil {
		return c, nil
	}
	c, err := lpc.Dial(context.Background(), port, nil)
	if err == nil {
		sv.conns[port] = c
	}
	return c, err
}

func (sv *server) serve(r lpc.Request) {
	if err := sv.do(r, string(r.Bytes())); err != nil {
		_ = r.Fail(1, err.Error())
	}
}

func (sv *server) do(r lpc.Request, what string) error {
	verb, rest, _ := strings.Cut(what, " ")
	switch verb {
	case "hold":
		<-sv.never
	case "defer":
		r.Defer()
		return nil
	case "late":
		<-sv.late
		fmt.Println("reply:", r.Reply(nil))
		return nil
	case "forget":
		return nil
	case "lock":
		sv.lock.Lock()
		defer sv.lock.Unlock()
		return sv.do(r, rest)
	case "spin":
		for n := 0; ; n++ { // until the process is killed
		}
	case "as":
		return r.Impersonate(r.Context(), func() error { return sv.do(r, rest) })
	case "back":
		_, err := r.Callback(r.Context(), []byte(rest))
		return err
	case "call", "fresh":
		port, request, _ := strings.Cut(rest, " ")
		c, err := sv.conn(port)
		if err != nil {
			return err
		}
		ctx := r.Context()
		if verb == "fresh" {
			ctx = context.Background()
		}
		if _, err = c.Call(ctx, []byte(request)); err != nil {
			return err
		}
	}
	return r.Reply(nil)
}

// client PORT REQUEST... calls a port with each request, each on a connection and a
// goroutine of its own, one after the other has been sent on "next". It says what
// came of each. "connect" only connects, "flood REQUEST" sends twenty datagrams. Then a
// line "cancel" gives up the last call that was not given up, "call REQUEST" is one more,
// and "large" is one with more data than its connection takes.
func client() error {
	args := os.Args[1:]
	var cancels []context.CancelFunc // of the calls that may be given up
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for _, request := range args[1:] {
		if !in.Scan() {
			return nil
		}
		if request == "connect" {
			go func() {
				_, err := lpc.Dial(context.Background(), args[0], nil)
				fmt.Println("connecting ended:", err)
			}()
			continue
		}
		c, err := lpc.Dial(context.Background(), args[0], &lpc.DialOptions{Handler: lpc.HandlerFunc(func(r lpc.Request) {
			if string(r.Bytes()) == "hold" {
				select {}
			}
			_ = r.Reply(nil)
		})})
		if err != nil {
			return err
		}
		if data, ok := strings.CutPrefix(request, "flood "); ok {
			for range 20 {
				if err := c.Send(context.Background(), []byte(data)); err != nil {
					return err
				}
			}
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancels = append(cancels, cancel)
		go func() {
			_, err := c.Call(ctx, []byte(request))
			fmt.Println("call ended:", err)
		}()
	}
	for in.Scan() {
		verb, request, _ := strings.Cut(in.Text(), " ")
		switch verb {
		case "cancel":
			cancels[len(cancels)-1]()
			cancels = cancels[:len(cancels)-1]
		case "call":
			if err := callOnce(args[0], []byte(request), 0); err != nil {
				return err
			}
		case "large":
			if err := callOnce(args[0], make([]byte, mostSmall+1), mostSmall); err != nil {
				return err
			}
		}
	}
	return nil
}

// mostSmall is the limit of a connection that is made for a message that is too large.
const mostSmall = 1000

// callOnce calls on a connection of its own with that limit, 0 for the usual one.
func callOnce(port string, request []byte, limit int) error {
	c, err := lpc.Dial(context.Background(), port, &lpc.DialOptions{MaxMessage: limit})
	if err != nil {
		return err
	}
	_, err = c.Call(context.Background(), request)
	fmt.Println("call ended:", err)
	return nil
}
