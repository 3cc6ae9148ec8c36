//go:build cgo && linux

package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/capitest"
	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

const patience = 5 * time.Minute // of watchdogs: far beyond what any test takes

// What the calls do with memory, text and descriptors of C's, in both ways to touch them,
// and in a program that has SIGSEGV for itself.
func TestCalls(t *testing.T) {
	proctest.Watchdog(t, patience)
	program := capitest.Program(t, "testdata/calls.c")
	for _, mode := range []string{"0", "1", ""} {
		cmd := exec.Command(program)
		if mode == "" {
			cmd.Args = append(cmd.Args, "takes SIGSEGV")
		}
		cmd.Env = append(cmd.Environ(), "LPC_SAFE_PROBE="+mode)
		golden.Text(t, "calls.golden", run(t, cmd))
	}
}

// A C thread is an NT thread: its end is noticed where it returns and where it calls
// pthread_exit, and it makes no calls behind that. A forked child's calls give a status.
func TestThreadsAndForks(t *testing.T) {
	proctest.Watchdog(t, patience)
	program := capitest.Program(t, "testdata/life.c")
	for _, what := range []string{"threads", "after", "fork"} {
		golden.Text(t, "life-"+what+".golden", run(t, exec.Command(program, what)))
	}
}

// A process ends by kill -9, by returning from main with another thread in a call, and
// its main thread before its others.
func TestProcessEnds(t *testing.T) {
	proctest.Watchdog(t, patience)
	program := capitest.Program(t, "testdata/life.c")
	for _, how := range []string{"wait", "return", "main"} {
		t.Run(how, func(t *testing.T) {
			name := `\Life\` + how
			server := proctest.Start(t, exec.Command(program, "server", name))
			server.Expect(t, "ready")
			client := proctest.Start(t, exec.Command(program, "client", name, how))
			pid, other := client.PID(), client.Line(t)
			main := fmt.Sprintf("LPC_CLIENT_DIED %d.%d", pid, pid)
			switch how {
			case "wait":
				client.Kill()
			case "return":
				client.Say(t, "")
			case "main":
				client.Say(t, "")
				server.Expect(t, main) // while the process lives
				client.Kill()
				server.Expect(t, fmt.Sprintf("LPC_CLIENT_DIED %d.%s", pid, other))
				server.Expect(t, fmt.Sprintf("LPC_PORT_CLOSED %d.0", pid))
				return
			}
			said := string(server.Wait(t))
			for _, want := range []string{main, fmt.Sprintf("LPC_CLIENT_DIED %d.%s\n", pid, other)} {
				if !strings.Contains(said, want) {
					t.Errorf("the server received\n%swant %q in it", said, want)
				}
			}
			if !strings.HasSuffix(said, fmt.Sprintf("LPC_PORT_CLOSED %d.0\n", pid)) {
				t.Errorf("the server received\n%swant LPC_PORT_CLOSED at the end", said)
			}
		})
	}
}
