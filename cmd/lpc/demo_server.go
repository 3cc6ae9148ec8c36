package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/escape"
)

// demoServer is the server process of the demo.
type demoServer struct {
	*stage
	fault string

	mu      sync.Mutex
	changed sync.Cond // handled changed; guarded by mu
	handled int       // messages done with, the connection request among them
}

// serveDemo listens, takes one connection, and serves it until the parent kills
// this process or is gone.
func serveDemo(fault string) error {
	s := &demoServer{stage: newStage(), fault: fault}
	s.changed.L = &s.mu
	ctx := context.Background()
	go s.follow()
	port, err := lpc.Listen(demoPort, &lpc.ListenOptions{ManualAccept: true, Trace: s.trace})
	if err != nil {
		return about(demoPort, err)
	}
	defer port.Close()
	served := make(chan error, 1)
	go func() { served <- lpc.Serve(ctx, port, s) }()

	s.say("NtListenPort", 0, "waits for a connection request")
	s.sign(demoEvent{What: signReady})
	req, err := port.Accept(ctx)
	if err != nil {
		return about(demoPort, err)
	}
	if err := s.admit(req); err != nil {
		return about(demoPort, err)
	}
	return about(demoPort, <-served)
}

// admit answers the connection request.
func (s *demoServer) admit(req *lpc.ConnRequest) error {
	defer s.finished()
	s.say("", 0, "finds the connection information %q", req.Info())
	s.die("die-connect")
	if s.fault == "refuse" {
		return req.Refuse([]byte("not today"))
	}
	_, err := req.Accept([]byte("welcome"))
	if err == nil {
		s.say("NtReplyWaitReceivePort", 0, "waits for messages")
		s.die("die-early")
	}
	return err
}

// ServeLPC does what the message's first word says.
func (s *demoServer) ServeLPC(r lpc.Request) {
	defer s.finished()
	id := r.MessageID()
	if r.Kind() == lpc.KindDatagram {
		s.say("", id, "reads %s", quote(r.Bytes()))
		return
	}
	verb, rest, _ := bytes.Cut(r.View(), []byte(" "))
	switch string(verb) {
	case "upper":
		s.die("die-call")
		if s.fault == "hang" {
			fmt.Fprintln(os.Stderr, "hanging")
			<-r.Context().Done()
		}
		s.say("", id, "reads %s", quote(rest))
		s.reply(r, bytes.ToUpper(rest))
	case "file":
		s.die("die-file")
		s.sum(r, rest)
	case "ask":
		s.ask(r)
	case "who":
		s.who(r)
	case "hold":
		s.say("", id, "has the request and does not answer it")
		s.sign(demoEvent{What: signHolds})
		<-r.Context().Done()
	default:
		s.check(r, r.Fail(1, "the demo has no such request"))
	}
}

// sum hashes what stands behind the hash that the client claims, in place.
func (s *demoServer) sum(r lpc.Request, rest []byte) {
	claim, content, _ := bytes.Cut(rest, []byte("\n"))
	if s.fault == "bad-sum" {
		content = content[1:]
	}
	sum := sha256.Sum256(content)
	got := hex.EncodeToString(sum[:])
	verdict := "as the client said"
	if got != string(claim) {
		verdict = fmt.Sprintf("but the client said %.16s…", claim)
	}
	s.say("", r.MessageID(), "%s, SHA-256 %.16s…, %s", size(len(content)), got, verdict)
	if got != string(claim) {
		s.check(r, r.Fail(2, "the file's SHA-256 differs at the server"))
		return
	}
	s.reply(r, []byte(got))
}

// ask calls the client back and makes its answer part of the reply.
func (s *demoServer) ask(r lpc.Request) {
	answer, err := r.Callback(r.Context(), []byte("what is your pid?"))
	if err != nil {
		s.check(r, r.Fail(3, "the callback failed: "+err.Error()))
		return
	}
	s.say("", r.MessageID(), "reads %s", quote(answer))
	s.reply(r, fmt.Appendf(nil, "you said %s", answer))
}

// who tells the client what the kernel said of it.
func (s *demoServer) who(r lpc.Request) {
	c := r.Caller()
	s.say("", r.MessageID(), "the kernel says: pid %d, uid %d, gid %d, groups %s", c.PID, c.UID, c.GID, groups(c.Groups))
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // numbers only
	}
	s.reply(r, b)
}

// die kills this process at one point of the demo, if the test asked for it.
func (s *demoServer) die(at string) {
	if s.fault == at {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func (s *demoServer) reply(r lpc.Request, data []byte) { s.check(r, r.Reply(data)) }

// check tells of a reply that could not be given; the client will tell the rest.
func (s *demoServer) check(r lpc.Request, err error) {
	if err != nil {
		s.say("", r.MessageID(), "%v", err)
	}
}

func (s *demoServer) finished() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handled++
	s.changed.Broadcast()
}

// follow obeys "sync N": say when N messages are done with. When the parent is
// gone it ends the process, whatever the handlers wait for.
func (s *demoServer) follow() {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var n int
		if _, err := fmt.Sscanf(in.Text(), "sync %d", &n); err == nil {
			go s.sync(n)
		}
	}
	os.Exit(statusOther)
}

func (s *demoServer) sync(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.handled < n {
		s.changed.Wait()
	}
	s.sign(demoEvent{What: signSynced, Count: n})
}

func quote(b []byte) string { return `"` + escape.Text(string(b)) + `"` }

func groups(g []uint32) string {
	if len(g) == 0 {
		return "none"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(g), " ", ","), "[]")
}
