package kd_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/kd/records"
)

// The walk of the document that the project implements: a thread that waits to
// receive, the handle in the first argument of the call that it waits in, the
// handle's object, the port with its queue.
func TestWalk(t *testing.T) {
	s := play(t, named(t, "queued")) // its only handler is busy: another thread has received, and waits for more
	var thread *records.Thread
	for thread == nil {
		for _, th := range s.world(t).Threads {
			if th.Reason == records.WrLpcReceive {
				thread = th
			}
		}
	}
	text := s.run(t, fmt.Sprintf("!thread %x", thread.Addr))
	m := regexp.MustCompile("(?m)WAIT: \\(WrLpcReceive\\)\n(?:.*\n)*.* : 00000000`([0-9a-f]{8}) .* : lpc!Serve$").FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no frame with a handle:\n%s", text)
	}
	text = s.run(t, fmt.Sprintf("!handle %s 3 %x", m[1], thread.ProcessAddr))
	m = regexp.MustCompile(`(?m)^Object: ([0-9a-f]{16})  Type: \([0-9a-f]+\) Port$`).FindStringSubmatch(text)
	if m == nil || !strings.Contains(text, "Name: alpha") {
		t.Fatalf("no port of that handle:\n%s", text)
	}
	text = s.run(t, "!lpc port "+m[1])
	if !strings.HasPrefix(text, "Server connection port "+m[1]+"  Name: alpha\n") || !strings.Contains(text, "The message queue contains 2 messages\n") {
		t.Error(text)
	}
}

// A process that records stacks shows where its calls were made.
func TestStacks(t *testing.T) {
	t.Setenv("LPC_STACKS", "1")
	s := play(t, named(t, "two"))
	w := s.world(t)
	for _, th := range w.Threads {
		if !th.Waits() {
			continue
		}
		text := s.run(t, fmt.Sprintf("!thread %x", th.Addr))
		if !regexp.MustCompile(`(?m)^ +- +- : +- +: .*/kd_test\..* \[.*roles_test\.go @ \d+\]$`).MatchString(text) {
			t.Errorf("no Go function below the call:\n%s", text)
		}
	}
	text := s.run(t, "!deadlock")
	if n := len(regexp.MustCompile(`(?m)^      at .*/kd_test\.\(\*server\)\.do \(.*roles_test\.go:\d+\)$`).FindAllString(text, -1)); n != 2 {
		t.Errorf("%d of 2 threads name the function that calls:\n%s", n, text)
	}
	if text := s.run(t, "!gflag"); !strings.Contains(text, "0x00005000") || !strings.Contains(text, "    ust - ") {
		t.Error(text)
	}
}

// A thread that acts as its client says so.
func TestImpersonating(t *testing.T) {
	s := play(t, &scene{procs: []proc{{"service", "alpha", "1"}, {"client", "alpha", "as hold"}}, want: "1 wait; served 1"})
	for {
		w := s.world(t)
		text := s.run(t, fmt.Sprintf("!thread %x", w.Messages[0].Thread))
		if strings.Contains(text, "\nNot impersonating\n") {
			continue // it has the message and does not act yet
		}
		m := regexp.MustCompile(`(?m)^Impersonation token:  ([0-9a-f]{16}) \(Level Impersonation\)$`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no impersonation:\n%s", text)
		}
		if text := s.run(t, "dt _LPC_TOKEN "+m[1]); !strings.Contains(text, "UID") {
			t.Errorf("no token there:\n%s", text)
		}
		return
	}
}

// The settings of a session, and what is said of wrong words.
func TestSettings(t *testing.T) {
	tg := newFakeTarget(ring(2, 1)...)
	for _, c := range []struct{ line, want string }{
		{".process", "No default process is set\n"},
		{".process 3e8; !process", "Implicit process is now 0003e80000000060\nPROCESS 0003e80000000060"},
		{".process 3e8; .process", "Implicit process is now 0003e80000000060\nImplicit process is now 0003e80000000060\n"},
		{".process 5", "error: there is no process 5 with a pool\n"},
		{".thread", "No default thread is set\n"},
		{"!thread", "error: which thread? Name one by its address (!process 0 6 lists them), or set the default with .thread\n"},
		{"!process", "error: which process? There are several; name one by its address or id, or set the default with .process\n"},
		{"!lpc poolsearch; !lpc PoolSearch", "Pool search is on: !lpc message Id searches the pools for the tag LpcM too.\nPool search is off: !lpc message Id searches threads only.\n"},
		{"!lpc message 1ffffffff", "error: 1ffffffff is no message id: it has more than 32 bits\n"},
		{"!lpc message 99", "Searching message 99 in threads ...\nNo thread names message 99, and no queue of a port holds it."},
		{"!lpc port 3e80000000060", "error: 0003e80000000060 is no port but an object of type \"Process\"\n"},
		{"!lpc scan", "error: !lpc scan needs the address of a port; !lpc port lists them\n"},
		{"!lpc frob", "error: !lpc has no command frob; !lpc lists them\n"},
		{"frob; q", "error: there is no command frob; .help lists them\n"},
		{"!deadlock now", "error: now is too much; usage: !deadlock\n"},
		{"!stuck -1", "error: -1 is no number of seconds; usage: !stuck [Seconds]\n"},
		{"!handle 44 3 3e8", "process 0003e80000000060\n"},
		{`!object \nowhere`, "error: there is no object \\nowhere; !object \\ lists the namespace\n"},
		{`!object \RPC Control\PORT0`, "Object: "},
		{"dt _NOTHING", "error: dt: "},
		{"q", "error: quit\n"},
		{".help !lpc port", "!lpc port [Address]\nShow a port"},
		{".help nothing", "error: there is no command nothing; .help lists them\n"},
	} {
		text, _, err := run(t, tg, c.line)
		if err != nil {
			text += "error: " + err.Error() + "\n"
		}
		if !strings.HasPrefix(text, c.want) {
			t.Errorf("%s: %q, want %q", c.line, text, c.want)
		}
	}
}

func TestComplete(t *testing.T) {
	_, s, _ := run(t, newFakeTarget(ring(1, 1)...), "* nothing")
	for _, c := range []struct {
		line string
		want []string
	}{
		{"!dea", []string{"!deadlock"}},
		{"q; !lpc p", []string{"q; !lpc PoolSearch", "q; !lpc port"}},
		{"!process 0003e8", []string{"!process 0003e80000000060"}},
		{"nothing 0003e8", nil},
	} {
		got := s.Complete(t.Context(), c.line)
		for _, w := range c.want {
			found := false
			for _, g := range got {
				found = found || g == w
			}
			if !found {
				t.Errorf("Complete(%q) = %q, which lacks %q", c.line, got, w)
			}
		}
		if c.want == nil && len(got) > 0 {
			t.Errorf("Complete(%q) = %q, want nothing", c.line, got)
		}
	}
}
