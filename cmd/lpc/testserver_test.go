package main

import (
	"context"
	"fmt"
	"os"

	"github.com/seed-eedd8485/lpc"
)

// testServer is a server that does what lpc serve never does:
//
//	testserver refuse NAME REASON   refuse each connection
//	testserver close NAME           close the port in the middle of the first call
//	testserver fail NAME TEXT       fail each call with code -5 and the text
//	testserver hold NAME            allocate section memory under three tags and say "holding"
func testServer() {
	mode, name := os.Args[1], os.Args[2]
	if mode == "hold" {
		hold(name)
		return
	}
	o := &lpc.ListenOptions{}
	if mode == "refuse" {
		o.OnConnect = func(r *lpc.ConnRequest) { check(r.Refuse([]byte(os.Args[3]))) }
	}
	port, err := lpc.Listen(name, o)
	check(err)
	fmt.Fprintf(os.Stderr, "serving %s\n", port.Name())
	closed := make(chan struct{})
	err = lpc.Serve(context.Background(), port, lpc.HandlerFunc(func(r lpc.Request) {
		switch mode {
		case "close":
			r.Defer()
			go func() {
				check(port.Close())
				close(closed)
			}()
		case "fail":
			check(r.Fail(-5, os.Args[3]))
		}
	}))
	if mode != "close" {
		check(err)
	}
	<-closed // the process must not end before its connections are closed
}

// hold allocates twenty buffers and releases half of them. It ends when it is killed.
func hold(name string) {
	conns := make(chan *lpc.Conn, 1)
	port, err := lpc.Listen(name, &lpc.ListenOptions{OnConnect: func(r *lpc.ConnRequest) {
		c, err := r.Accept(nil)
		check(err)
		conns <- c
	}})
	check(err)
	go func() {
		check(lpc.Serve(context.Background(), port, lpc.HandlerFunc(func(r lpc.Request) { check(r.Reply(nil)) })))
	}()
	client, err := lpc.Dial(context.Background(), name, nil)
	check(err)
	conn := <-conns
	for i := range 20 {
		b, err := conn.AllocTag(context.Background(), 1000*(i+1), []string{"Leak", "Good", "a b"}[i%3])
		check(err)
		if i%2 == 0 {
			b.Release()
		}
	}
	_, err = client.Call(context.Background(), nil) // the connection request's message is gone
	check(err)
	fmt.Println("holding")
	select {}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "testserver:", err)
		os.Exit(100)
	}
}
