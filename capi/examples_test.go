//go:build cgo && linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/capitest"
	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// handshakes are the example in each language.
func handshakes(t *testing.T) map[string]func(args ...string) *exec.Cmd {
	program := capitest.Program(t, "../examples/c/handshake.c")
	python := needs.Tool(t, "python3", "python3")
	return map[string]func(...string) *exec.Cmd{
		"C": func(args ...string) *exec.Cmd { return exec.Command(program, args...) },
		"Python": func(args ...string) *exec.Cmd {
			cmd := exec.Command(python, append([]string{"../examples/python/handshake.py"}, args...)...)
			cmd.Env = append(os.Environ(), "LPC_LIBRARY="+filepath.Join(capitest.Library(t), "liblpc.so"))
			return cmd
		},
	}
}

// role are the lines that one side prints; those of two sides mix as they come.
func role(out, side string) string {
	var b strings.Builder
	for _, line := range strings.SplitAfter(out, "\n") {
		if strings.HasPrefix(line, side+": ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// The example prints the two sequences of NT's LPC, in one process and in two, in C and in
// Python, and each language talks to the other.
func TestHandshake(t *testing.T) {
	proctest.Watchdog(t, patience)
	all := handshakes(t)
	for name, command := range all {
		out := run(t, command())
		golden.Text(t, "handshake-server.golden", role(out, "server"))
		golden.Text(t, "handshake-client.golden", role(out, "client"))
		for other, client := range all {
			port := `\Handshake\` + name + other
			server := proctest.Start(t, command("server", port))
			server.Expect(t, "server: NtCreatePort")
			golden.Text(t, "handshake-client.golden", run(t, client("client", port)))
			golden.Text(t, "handshake-server.golden", "server: NtCreatePort\n"+string(server.Wait(t)))
		}
	}
}

// A client in C and a server of the root package, and the other way round, on one port.
func TestMixed(t *testing.T) {
	proctest.Watchdog(t, patience)
	command := handshakes(t)["C"]
	p, err := lpc.Listen(`\Mixed\Root`, nil)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- lpc.Serve(t.Context(), p, lpc.HandlerFunc(func(r lpc.Request) {
			if string(r.Bytes()) != "two and two" {
				t.Errorf("the server got %q", r.Bytes())
			}
			if err := r.Reply([]byte("four")); err != nil {
				t.Error(err)
			}
		}))
	}()
	out := run(t, command("client", `\Mixed\Root`))
	// The root package has no connection information, and its port another limit.
	out = regexp.MustCompile(`returns: "", messages of at most 0x[0-9a-f]+ bytes`).ReplaceAllString(out, `returns: "welcome", messages of at most 0x158 bytes`)
	golden.Text(t, "handshake-client.golden", out)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	<-served

	server := proctest.Start(t, command("server", `\Mixed\C`))
	server.Expect(t, "server: NtCreatePort")
	c, err := lpc.Dial(t.Context(), `\Mixed\C`, nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := c.Call(t.Context(), []byte("two and two"))
	if err != nil || !bytes.Equal(reply, []byte("four")) {
		t.Errorf("got %q, %v", reply, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	said := strings.Replace("server: NtCreatePort\n"+string(server.Wait(t)), `request: ""`, `request: "let me in"`, 1)
	golden.Text(t, "handshake-server.golden", said)
}

// The measuring program measures.
func TestBench(t *testing.T) {
	proctest.Watchdog(t, patience)
	out := run(t, exec.Command(capitest.Program(t, "../examples/c/bench.c"), "100", "32", "2"))
	if !regexp.MustCompile(`^(32 bytes: \d+ ns per call\n){2}$`).MatchString(out) {
		t.Errorf("it printed %q", out)
	}
}
