package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc"
)

// TestDemoView holds the layout: lines come only from events, in the order of
// their time, and an event that the table does not know is printed all the same.
func TestDemoView(t *testing.T) {
	var b bytes.Buffer
	v := &demoView{w: &b, clock: clock{time.Unix(0, 0)}}
	peer := lpc.Caller{PID: 22, UID: 5}
	v.step(0, []demoEvent{
		{At: 3e6, Role: "client", PID: 22, Engine: true, What: "call", MsgID: 0x1a, Bytes: 1},
		{At: 2e6, Role: "server", PID: 1, Engine: true, What: "surprise", Peer: peer, Text: "a\nb"},
		{At: 4e6, Role: "server", PID: 1, Engine: true, What: "callback", MsgID: 0x1b, Bytes: 400, Section: true},
		{At: 5e6, Role: "client", PID: 22, What: said, Call: "NtReplyWaitReplyPort", MsgID: 0x1b, Text: "answers"},
		{At: 6e6, Role: "server", PID: 1, Engine: true, What: "reply", MsgID: 0x1b},
		{At: 7e6, Role: "demo", PID: 333, What: said, Text: "sends SIGKILL"},
	})
	const want = `
1. The handshake: a port, a connection request, a connection
    2.00  server 1                                            surprise (pid 22 (uid 5)): a\u{a}b
    3.00  client 22       NtRequestWaitReplyPort  0x1a        sends 1 byte inline and waits
    4.00  server 1        NtRequestWaitReplyPort  0x1b        asks the waiting client, 400 bytes in the section
    5.00  client 22       NtReplyWaitReplyPort    0x1b        answers
    6.00  server 1        NtRequestWaitReplyPort  0x1b        returns: the answer, 0 bytes inline
    7.00  demo   333                                          sends SIGKILL
`
	if got := b.String(); got != want {
		t.Errorf("printed\n%s\ninstead of\n%s", got, want)
	}

	// On a terminal the same text, dressed.
	v.color = true
	b.Reset()
	v.line(demoEvent{Role: "client", PID: 22, What: said, Text: "x"})
	if got := b.String(); !strings.Contains(got, "\x1b[33mclient 22") || !strings.HasSuffix(got, "x\n") {
		t.Errorf("on a terminal: %q", got)
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int]string{0: "0 bytes", 1: "1 byte", 304: "304 bytes", 1 << 20: "1 MiB", 8 << 20: "8 MiB", 8<<20 + 1: "8388609 bytes"} {
		if got := size(n); got != want {
			t.Errorf("%d: %q instead of %q", n, got, want)
		}
	}
}
