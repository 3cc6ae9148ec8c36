package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-eedd8485/lpc"
)

func TestLastLine(t *testing.T) {
	long := strings.Repeat("x", maxLastLine)
	for _, c := range []struct {
		writes []string
		want   string
	}{
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"\n"}, ""},
		{[]string{"one"}, "one"},
		{[]string{"one\n"}, "one"},
		{[]string{"one\ntwo\n"}, "two"},
		{[]string{"one\ntw", "o"}, "two"},
		{[]string{"one\n", "\n", "  \n"}, "one"},
		{[]string{"one", "\n", "two", "\r\n"}, "two"},
		{[]string{"one\n", "   "}, "one"},
		{[]string{long}, long},
		{[]string{long + "y"}, long},
		{[]string{long, "y", "y\n"}, long},
		{[]string{long + long + "\nend"}, "end"},
	} {
		var passed bytes.Buffer
		l := lastLine{to: &passed}
		for _, w := range c.writes {
			if n, err := io.WriteString(&l, w); n != len(w) || err != nil {
				t.Errorf("Write(%d bytes) = %d, %v", len(w), n, err)
			}
		}
		if passed.String() != strings.Join(c.writes, "") {
			t.Errorf("%.40q: %.40q passed on", c.writes, &passed)
		}
		if got := l.String(); got != c.want {
			t.Errorf("after %.40q: %.40q instead of %.40q", c.writes, got, c.want)
		}
	}
}

func TestLimitedBuffer(t *testing.T) {
	const room = 1001 // a limit of 1000, and one
	for _, c := range []struct {
		writes  []int
		n       int
		full    bool
		refused bool
	}{
		{[]int{0}, 0, false, false},
		{[]int{999}, 999, false, false},
		{[]int{1000}, 1000, false, false},
		{[]int{1001}, 1001, true, false},
		{[]int{1002}, 1001, true, true},
		{[]int{1000, 1}, 1001, true, false},
		{[]int{1000, 1, 1}, 1001, true, true},
	} {
		b := limitedBuffer{room: room}
		var err error
		for _, n := range c.writes {
			// Through io.Copy, as os/exec does it.
			_, err = io.Copy(&b, bytes.NewReader(make([]byte, n)))
		}
		if b.Len() != c.n || b.full() != c.full || (err != nil) != c.refused {
			t.Errorf("%v: %d bytes, full %v, error %v", c.writes, b.Len(), b.full(), err)
		}
	}
}

// TestExecGrandchild has commands that leave a process behind which holds their
// output.
func TestExecGrandchild(t *testing.T) {
	gate := filepath.Join(t.TempDir(), "gate")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	open, err := os.OpenFile(gate, os.O_RDWR, 0) // so that cat neither fails nor ends
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	x := &execHandler{path: "/bin/sh", limit: 1000}
	x.args = []string{"sh", "-c", "cat <" + gate + " & echo out"}
	out, code, text := x.run(t.Context(), lpc.Caller{}, nil)
	if code != codeNoEnd || !strings.Contains(text, "keeps its output open") {
		t.Errorf("a background process: %q, %d, %q", out, code, text)
	}

	// Cancel ends the whole group: run returns, so nothing holds the pipes.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	x.args = []string{"sh", "-c", "cat <" + gate + " | cat"}
	if _, code, _ := x.run(ctx, lpc.Caller{}, nil); code == 0 {
		t.Error("a cancelled command ended with 0")
	}
}
