package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/kd/top"
	"github.com/seed-eedd8485/lpc/target"
)

// serveChild is a process of lpc serve that says when it serves.
func serveChild(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("lpc", append([]string{"serve"}, args...)...)
	r, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	in := bufio.NewScanner(r)
	for in.Scan() {
		if strings.HasPrefix(in.Text(), "serving ") {
			go func() {
				for in.Scan() {
				}
			}()
			return cmd
		}
	}
	t.Fatalf("lpc serve %v does not serve", args)
	return nil
}

// held is a port of this process on which one call is served and one waits, and a
// client of it that calls till the test ends.
func held(t *testing.T, name string) {
	t.Helper()
	port, err := lpc.Listen(name, &lpc.ListenOptions{MaxWorkers: 1})
	if err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	began := make(chan struct{}, 2)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = lpc.Serve(context.Background(), port, lpc.HandlerFunc(func(r lpc.Request) {
			began <- struct{}{}
			<-release
			_ = r.Reply(nil)
		}))
	}()
	conn, err := lpc.Dial(context.Background(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{}, 2)
	for range 2 {
		go func() {
			_, _ = conn.Call(context.Background(), []byte("x"))
			done <- struct{}{}
		}()
	}
	<-began
	t.Cleanup(func() {
		close(release)
		<-done
		<-done
		_ = conn.Close()
		_ = port.Close()
		<-served
	})
}

// own is the beginning of this test's ports: others of the machine are looked at too.
var own = fmt.Sprintf("top%d", os.Getpid())

// TestTopKeys drives the screen: order, filter, a port, its thread, and back.
func TestTopKeys(t *testing.T) {
	t.Setenv("LPC_ROOT", t.TempDir())
	held(t, own+"-held")
	serveChild(t, own+"-other", "--echo")
	p := startPTY(t, 80, 24, "lpc", "top", "-d", "50ms", "-f", own)
	p.shows("PORT", "▾CALLS/S", own+"-held", own+"-other", "1/1", "filter: "+own+" (esc)")
	p.press("s")
	p.shows("ordered by SENDS")
	p.press("s")
	p.shows("▾QUEUE")
	p.press("r")
	p.shows("▴QUEUE")
	p.press("/")
	p.shows("filter: " + own + "_")
	p.press("-held\r")
	p.shows("filter: "+own+"-held (esc)", " 1/1")
	p.hides(own + "-other")
	p.press("\r")
	p.shows("Port "+own+"-held of ", "1 of 1 busy, 1 queued", "served", "queued", "connected  ×1")
	p.press("\x1b[B")
	p.shows(" 2/3")
	p.press("\r")
	p.shows("What the thread waits for", "it stands in the queue of port "+own+"-held")
	p.press("\x1b") // the key alone: the rest of no sequence comes
	p.shows("Port " + own + "-held of ")
	p.press("t")
	p.shows("PROCESS AND THREAD", "queued     "+own+"-held")
	p.press("d")
	p.shows("Deadlocks")
	p.press("h")
	p.shows("the threads that wait, the longest first")
	p.press("p \x0c")
	p.shows("PAUSED", own+"-held")
	p.press("q")
	p.ended(0)
}

// TestTopResize: the columns follow the terminal's width, the rows its height.
func TestTopResize(t *testing.T) {
	t.Setenv("LPC_ROOT", t.TempDir())
	held(t, own+"-resize")
	p := startPTY(t, 80, 24, "lpc", "top", "-d", "50ms", "-f", own)
	s := p.shows(own+"-resize", "FAILED")
	if strings.Contains(s, "SENDS/S") || strings.Contains(s, "PROGRAM") {
		t.Errorf("80 cells show\n%s", s)
	}
	p.resize(120, 30)
	s = p.shows(own+"-resize", "SENDS/S", "PROGRAM", "FAILED")
	if lines := strings.Split(s, "\n"); !strings.Contains(lines[29], "q quit") {
		t.Errorf("the last line of 30 is %q", lines[29])
	}
	p.resize(40, 6)
	p.until("a narrow table", func(s string) bool {
		return strings.Contains(s, own) && strings.Contains(s, "CALLS/S") && !strings.Contains(s, "QUEUE") && strings.Contains(strings.Split(s, "\n")[5], "filter")
	})
	p.resize(1, 1)
	p.resize(80, 24)
	p.shows(own+"-resize", "FAILED")
	p.press("\x03")
	p.ended(0)
}

// TestTopDying: a process that is killed under an open port leaves the list, and the
// screen goes on.
func TestTopDying(t *testing.T) {
	t.Setenv("LPC_ROOT", t.TempDir())
	child := serveChild(t, own+"-dying", "--echo")
	p := startPTY(t, 80, 24, "lpc", "top", "-d", "50ms", "-f", own+"-dying")
	p.shows(own+"-dying  ", " 1/1")
	p.press("\r")
	p.shows("Port "+own+"-dying of lpc ", "idle")
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	p.shows("It is gone: ")
	p.press("p")
	p.shows("no port that matches " + own + "-dying")
	serveChild(t, own+"-dying", "--echo") // the next one of that name
	p.shows(own+"-dying  ", " 1/1")
	p.press("q")
	p.ended(0)
}

// TestTopSignals: whatever ends it, the terminal is given back.
func TestTopSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		p := startPTY(t, 80, 24, "lpc", "top", "-f", "toptest-none")
		p.shows("no port that matches toptest-none")
		if err := p.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		p.ended(128 + int(sig))
	}
}

// TestTopSuspend: ^Z gives the terminal back, and fg takes it again.
func TestTopSuspend(t *testing.T) {
	p := startPTY(t, 80, 24, "sh", "-c", "set -m; lpc top -f toptest-none; fg >/dev/null; echo and back")
	p.shows("no port that matches toptest-none")
	p.press("\x1a")
	p.until("the screen again", func(string) bool { return strings.Count(p.all.String(), toScreen) == 2 && p.other })
	p.shows("no port that matches toptest-none")
	p.press("q")
	p.ended(0)
}

// TestTopPanic: a panic leaves no terminal behind that does not echo. Program
// toppanic is below.
func TestTopPanic(t *testing.T) {
	p := startPTY(t, 80, 24, "toppanic")
	p.ended(2)
	p.until("the panic behind the screen", func(string) bool {
		all := p.all.String()
		return strings.Contains(all[max(strings.Index(all, fromScreen), 0):], "panic: a test's")
	})
	p = startPTY(t, 80, 24, "toppanic", "look")
	p.shows("top: looking at the target: a test's")
	p.press("q")
	p.ended(0)
}

// topPanic is a program that panics while it has the terminal, or whose target does.
func topPanic() {
	if len(os.Args) > 1 {
		c := topCmd{Interval: time.Second, Sort: "calls"}
		if err := c.converse(panicking{}); err != nil {
			os.Exit(1)
		}
		return
	}
	term, err := openTerminal()
	if err == nil {
		defer term.leave()
		err = term.enter()
	}
	if err != nil {
		os.Exit(1)
	}
	panic("a test's")
}

// panicking is a target that has a defect.
type panicking struct{ target.Target }

func (panicking) Describe() string               { return "a target with a defect" }
func (panicking) Lacks(target.Capability) string { return "" }
func (panicking) System() target.System          { return panickingSystem{} }
func (panicking) Close() error                   { return nil }

type panickingSystem struct{ target.System }

func (panickingSystem) Processes() iter.Seq[target.Process] { panic("a test's") }

// A look that is interrupted says so, and nothing else.
func TestLookInterrupted(t *testing.T) {
	c := topCmd{}
	tg, err := c.open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tg.Close() }()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if l := lookOnce(ctx, tg, &top.Meter{}); l.err != nil && !errors.Is(l.err, errInterrupted) {
		t.Errorf("it says %v", l.err)
	}
}
