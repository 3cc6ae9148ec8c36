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
func testServer() {
	mode, name := os.Args[1], os.Args[2]
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

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "testserver:", err)
		os.Exit(100)
	}
}
