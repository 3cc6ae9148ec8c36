package nt

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc"
)

// watchdog is far more than any test takes.
const watchdog = 2 * time.Minute

func must(t testing.TB, s Status) {
	t.Helper()
	if s != StatusSuccess {
		t.Fatal(s)
	}
}

func thread(t testing.TB) *Thread {
	th, err := NewThread()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(th.Exit)
	return th
}

func qos() *SecurityQualityOfService {
	return &SecurityQualityOfService{Length: 12, ImpersonationLevel: SecurityImpersonation}
}

// connected is a server port, its end of a connection, and the client's.
func connected(t testing.TB, s, c *Thread) (ccp, scp, clp Handle) {
	name := fmt.Sprintf(`\Test\%s`, t.Name())
	must(t, s.NtCreatePort(&ccp, &ObjectAttributes{ObjectName: &name}, MaxConnectionInfo, MaxMessageLength, 0))
	done := make(chan Status)
	go func() { done <- c.NtConnectPort(&clp, &name, qos(), nil, nil, nil, nil, nil) }()
	var m Message
	must(t, s.NtListenPort(ccp, &m))
	must(t, s.NtAcceptConnectPort(&scp, 0x77, &m, true, nil, nil))
	must(t, s.NtCompleteConnectPort(scp))
	must(t, <-done)
	t.Cleanup(func() { s.NtClose(ccp); s.NtClose(scp); c.NtClose(clp) })
	return
}

func TestRoundTrip(t *testing.T) {
	s, c := thread(t), thread(t)
	ccp, _, clp := connected(t, s, c)
	go func() {
		var m Message
		var ctx uintptr
		r := (*Message)(nil)
		for {
			if st := s.NtReplyWaitReceivePort(ccp, &ctx, r, &m); st != StatusSuccess {
				return
			}
			if m.Type == LPCPortClosed && ctx == 0x77 {
				return
			}
			if m.Type != LPCRequest || ctx != 0x77 {
				panic(fmt.Sprint(m.Type, ctx))
			}
			r = &m
			m.SetData(append(m.Data(), '!'))
		}
	}()
	for range 1000 {
		var q Message
		q.SetData([]byte("hello"))
		must(t, c.NtRequestWaitReplyPort(clp, &q, &q))
		if string(q.Data()) != "hello!" || q.Type != LPCReply {
			t.Fatalf("%q %d", q.Data(), q.Type)
		}
	}
}

// echo answers requests with themselves until something else comes.
func echo(s *Thread, ccp Handle) {
	var m Message
	r := (*Message)(nil)
	for s.NtReplyWaitReceivePort(ccp, nil, r, &m) == StatusSuccess {
		if r = &m; m.Type != LPCRequest {
			return
		}
	}
}

func BenchmarkNative(b *testing.B) {
	s, c := thread(b), thread(b)
	ccp, _, clp := connected(b, s, c)
	go echo(s, ccp)
	var q Message
	q.SetData(make([]byte, 32))
	for b.Loop() {
		q.Type = 0
		must(b, c.NtRequestWaitReplyPort(clp, &q, &q))
	}
}

func BenchmarkRoot(b *testing.B) {
	buf := make([]byte, 32)
	p, err := lpc.Listen("benchroot", nil)
	if err != nil {
		b.Fatal(err)
	}
	go lpc.Serve(b.Context(), p, lpc.HandlerFunc(func(r lpc.Request) { r.Reply(buf) }))
	c, err := lpc.Dial(b.Context(), "benchroot", nil)
	if err != nil {
		b.Fatal(err)
	}
	out := make([]byte, 32)
	for b.Loop() {
		if _, err := c.CallInto(b.Context(), buf, out); err != nil {
			b.Fatal(err)
		}
	}
}
