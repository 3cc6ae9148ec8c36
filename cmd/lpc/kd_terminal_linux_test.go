package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Keys as an xterm sends them.
const (
	keyUp    = "\x1b[A"
	keyDown  = "\x1b[B"
	keyTab   = "\t"
	keyCtrlC = "\x03"
	keyCtrlD = "\x04"
)

// startKD is lpc kd on a terminal, over a server that nobody calls.
func startKD(t *testing.T, pid int) *pty {
	t.Helper()
	p := startPTY(t, 120, 30, "lpc", "kd", "-p", strconv.Itoa(pid))
	p.shows("running: process " + strconv.Itoa(pid))
	p.line("kd>")
	return p
}

// TestKDKeys drives the prompt: completion, the lines before, those of an earlier session,
// and the interrupt that empties a line.
func TestKDKeys(t *testing.T) {
	t.Setenv("LPC_ROOT", t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	pid := serveChild(t, "x", "--echo").Process.Pid
	p := startKD(t, pid)

	p.press("!lpc th" + keyTab) // one command begins so
	p.line("kd> !lpc thread")
	p.press("\r")
	p.shows("0 client threads, 0 server threads")
	p.line("kd>")

	p.press("!pool" + keyTab + keyTab) // several do: they are listed, and the line is kept
	p.shows("!pooldiff", "!poolfind", "!poolused")
	p.line("kd> !pool")
	p.press("u" + keyTab)
	p.line("kd> !poolused")
	p.press(keyCtrlC) // the line is given up, and no command ran
	p.shows("!poolused^C")
	p.line("kd>")

	p.press("!process " + keyTab) // all addresses are of this process's pool, and begin with its id
	p.shows(fmt.Sprintf("kd> !process %06x", pid))
	p.press(keyCtrlC)
	p.line("kd>")

	p.press("!nothing\r")
	p.shows("there is no command !nothing; .help lists them")
	p.line("kd>")
	p.press(keyUp)
	p.line("kd> !nothing")
	p.press(keyUp)
	p.line("kd> !lpc thread")
	p.press(keyUp) // there is none before it
	p.line("kd> !lpc thread")
	p.press(keyDown)
	p.line("kd> !nothing")
	p.press(keyDown)
	p.line("kd>")
	p.press(keyUp + keyUp + "\r") // it is carried out again
	p.until("the answer a second time", func(s string) bool {
		return strings.Count(s, "0 client threads, 0 server threads") == 2
	})
	p.line("kd>")
	p.press(keyCtrlD)
	p.ended(0)

	p = startKD(t, pid)
	for _, line := range []string{"!lpc thread", "!nothing", "!lpc thread"} {
		p.press(keyUp)
		p.line("kd> " + line)
	}
	p.press(keyCtrlC)
	p.line("kd>")
	p.press("q\r")
	p.ended(0)
}

// TestKDInterrupt: an interrupt in the middle of a long command ends that, and neither it
// nor those that follow end lpc kd, which keeps the line among those of its history.
func TestKDInterrupt(t *testing.T) {
	t.Setenv("LPC_ROOT", t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	p := startKD(t, serveChild(t, "x", "--echo").Process.Pid)
	const piece = "db 0 L100000;" // 65536 lines, which say that nothing is there
	for range 3 {
		p.press(strings.Repeat(piece, 64) + "\r")
		p.shows("  ?? ?? ?? ??") // it runs
		p.press(keyCtrlC)        // one: the terminal drops output at each (termios(3), NOFLSH)
		p.shows("interrupted")
		p.line("kd>")
		p.press("!lpc thread\r") // it goes on
		p.shows("0 client threads, 0 server threads")
		p.line("kd>")
		p.press("\x0c") // the screen is emptied
		p.hides("interrupted")
	}
	// One that comes when no command runs.
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.press(keyUp + keyUp)
	p.shows("db 0 L100000")
	p.press(keyCtrlC + "q\r")
	p.ended(0)
}
