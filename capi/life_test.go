//go:build cgo && linux

package main

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

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

// killChild reads the number of a child that a program has made, kills that when the test
// ends, and fails the test if it was not there any more.
func killChild(t *testing.T, program *proctest.Child) {
	t.Helper()
	pid, err := strconv.Atoi(program.Line(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Kill(pid, unix.SIGKILL); err != nil {
			t.Errorf("the child had ended, so nothing was shown: %v", err)
		}
	})
}

// A server is killed with a connection request or a request in its hands, alone and with a
// child that has its sockets: its client is told the same at once, and its name is free.
func TestServerEnds(t *testing.T) {
	proctest.Watchdog(t, patience)
	program := capitest.Program(t, "testdata/life.c")
	for what, want := range map[string][]string{
		"connection": {"NtConnectPort: PORT_CONNECTION_REFUSED"},
		"request":    {"NtConnectPort: SUCCESS", "NtRequestWaitReplyPort(clp, &m.h, &m.h): LPC_REPLY_LOST"},
	} {
		for _, how := range []string{"alone", "fork"} {
			t.Run(what+"/"+how, func(t *testing.T) {
				name := `\Life\holds ` + what
				server := proctest.Start(t, exec.Command(program, "holds", name, what, how))
				if how == "fork" {
					killChild(t, server)
				}
				server.Expect(t, "ready")
				client := proctest.Start(t, exec.Command(program, "asks", name))
				server.Expect(t, "holds")
				server.Kill()
				for _, line := range want {
					client.Expect(t, line)
				}
				again := proctest.Start(t, exec.Command(program, "holds", name, what, "alone"))
				again.Expect(t, "ready")
			})
		}
	}
}

// A process ends by kill -9, by returning from main with another thread in a call, and
// its main thread before its others.
func TestProcessEnds(t *testing.T) {
	proctest.Watchdog(t, patience)
	program := capitest.Program(t, "testdata/life.c")
	for _, how := range []string{"wait", "return", "main", "fork"} {
		t.Run(how, func(t *testing.T) {
			name := `\Life\` + how
			server := proctest.Start(t, exec.Command(program, "server", name))
			server.Expect(t, "ready")
			client := proctest.Start(t, exec.Command(program, "client", name, how))
			if how == "fork" {
				killChild(t, client) // which has all its descriptors, and lives on
			}
			pid, other := client.PID(), client.Line(t)
			main := fmt.Sprintf("LPC_CLIENT_DIED %d.%d", pid, pid)
			switch how {
			case "wait", "fork":
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
