package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// A pty is a program on a terminal: what it writes is painted on a grid, as a terminal
// does it. It is ended by the test's end.
type pty struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	slave  *os.File
	before unix.Termios // of the terminal

	mu      sync.Mutex
	changed *sync.Cond
	grid    [][]rune // guarded by mu, and the rest too
	x, y    int
	other   bool // the other screen is shown
	cursor  bool // the cursor is shown
	all     strings.Builder
	rest    string // of an escape sequence
	closed  bool
}

// startPTY runs a program on a terminal of that size.
func startPTY(t *testing.T, width, height int, name string, args ...string) *pty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0) // pty(7)
	if err != nil {
		needs.Missing(t, "a terminal of one's own: %v (mount -t devpts)", err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &pty{t: t, master: master, slave: slave, cursor: true}
	p.changed = sync.NewCond(&p.mu)
	p.resize(width, height)
	before, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	// An interrupt drops no output: what the program says to it would go with that at times
	// (termios(3)).
	before.Lflag |= unix.NOFLSH
	if err := unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, before); err != nil {
		t.Fatal(err)
	}
	p.before = *before
	p.cmd = exec.Command(name, args...)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
	p.cmd.Env = append(os.Environ(), "TERM=xterm")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read()
	dog := time.AfterFunc(time.Minute, func() { // a watchdog: no bound is tested
		p.mu.Lock()
		defer p.mu.Unlock()
		p.closed = true
		p.changed.Broadcast()
	})
	t.Cleanup(func() {
		dog.Stop()
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		_ = slave.Close()
		_ = master.Close()
	})
	return p
}

func (p *pty) read() {
	b := make([]byte, 4096)
	for {
		n, err := p.master.Read(b)
		p.mu.Lock()
		p.all.Write(b[:n])
		p.paint(string(b[:n]))
		p.closed = p.closed || err != nil
		p.changed.Broadcast()
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// paint puts output on the grid. It knows what lpc writes and fails on all else.
func (p *pty) paint(s string) {
	s = p.rest + s
	p.rest = ""
	for s != "" {
		if s[0] == 0x1b {
			n, ok := p.escape(s)
			if !ok {
				p.rest = s
				return
			}
			s = s[n:]
			continue
		}
		if !utf8.FullRuneInString(s) {
			p.rest = s
			return
		}
		r, n := utf8.DecodeRuneInString(s)
		s = s[n:]
		switch r {
		case '\r':
			p.x = 0
		case '\n':
			p.lineFeed()
		case '\a': // a bell
		default:
			p.put(r)
		}
	}
}

// lineFeed goes to the next line, and scrolls the screen at its end.
func (p *pty) lineFeed() {
	if p.y+1 < len(p.grid) {
		p.y++
		return
	}
	last := len(p.grid) - 1
	first := p.grid[0]
	copy(p.grid, p.grid[1:])
	p.grid[last] = first
	p.blank(last)
}

func (p *pty) put(r rune) {
	if p.y < len(p.grid) && p.x < len(p.grid[p.y]) {
		p.grid[p.y][p.x] = r
		p.x++
	}
}

// escape carries out one control sequence (ECMA-48).
func (p *pty) escape(s string) (n int, whole bool) {
	end := strings.IndexFunc(s[1:], func(r rune) bool { return r >= 0x40 && r != '[' })
	if end < 0 {
		return 0, false
	}
	n = end + 2
	switch seq := s[1:n]; {
	case seq == "[?1049h", seq == "[?1049l":
		p.other = strings.HasSuffix(seq, "h")
	case seq == "[?25h", seq == "[?25l":
		p.cursor = strings.HasSuffix(seq, "h")
	case seq == "[?7h", seq == "[?7l", strings.HasSuffix(seq, "m"):
	case seq == "[2J":
		p.clear()
	case seq == "[J":
		for y := p.y; y < len(p.grid); y++ {
			p.blank(y)
		}
	case seq == "[2K":
		p.blank(p.y)
	case seq == "[0K":
		for x := p.x; p.y < len(p.grid) && x < len(p.grid[p.y]); x++ {
			p.grid[p.y][x] = ' '
		}
	case strings.HasSuffix(seq, "G"):
		if _, err := fmt.Sscanf(seq, "[%dG", &p.x); err != nil {
			p.t.Errorf("a sequence that no terminal of this test knows: %q", seq)
		}
		p.x--
	case seq == "[H":
		p.x, p.y = 0, 0
	case strings.HasSuffix(seq, "H"):
		if _, err := fmt.Sscanf(seq, "[%d;%dH", &p.y, &p.x); err != nil {
			p.t.Errorf("a sequence that no terminal of this test knows: %q", seq)
		}
		p.x, p.y = p.x-1, p.y-1
	default:
		p.t.Errorf("a sequence that no terminal of this test knows: %q", seq)
	}
	return n, true
}

func (p *pty) blank(y int) {
	if y < len(p.grid) {
		for x := range p.grid[y] {
			p.grid[y][x] = ' '
		}
	}
}

func (p *pty) clear() {
	for y := range p.grid {
		p.blank(y)
	}
}

// resize gives the terminal another size, of which the kernel tells the program.
func (p *pty) resize(width, height int) {
	p.t.Helper()
	p.mu.Lock()
	p.grid = make([][]rune, height)
	for y := range p.grid {
		p.grid[y] = make([]rune, width)
		p.blank(y)
	}
	p.mu.Unlock()
	if err := unix.IoctlSetWinsize(int(p.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(height), Col: uint16(width)}); err != nil {
		p.t.Fatal(err)
	}
}

// press types keys.
func (p *pty) press(keys string) {
	p.t.Helper()
	if _, err := p.master.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// screen is what stands there. mu must be held.
func (p *pty) screen() string {
	var b strings.Builder
	for _, l := range p.grid {
		b.WriteString(strings.TrimRight(string(l), " ") + "\n")
	}
	return b.String()
}

// until waits for a screen that is wanted, and gives it.
func (p *pty) until(what string, want func(screen string) bool) string {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !want(p.screen()) {
		if p.closed {
			p.t.Fatalf("%s does not come; the screen is\n%s", what, p.screen())
		}
		p.changed.Wait()
	}
	return p.screen()
}

// shows waits until all texts stand on the screen.
func (p *pty) shows(texts ...string) string {
	p.t.Helper()
	return p.until(fmt.Sprintf("%q", texts), func(s string) bool {
		for _, text := range texts {
			if !strings.Contains(s, text) {
				return false
			}
		}
		return true
	})
}

// line waits until that is the last line on the screen.
func (p *pty) line(want string) {
	p.t.Helper()
	p.until(fmt.Sprintf("the last line %q", want), func(s string) bool {
		s = strings.TrimRight(s, "\n")
		return s[strings.LastIndexByte(s, '\n')+1:] == want
	})
}

// hides waits until a text does not stand on the screen.
func (p *pty) hides(text string) {
	p.t.Helper()
	p.until("a screen without "+text, func(s string) bool { return !strings.Contains(s, text) })
}

// ended waits for the program's end, and that the terminal is as it was.
func (p *pty) ended(status int) {
	p.t.Helper()
	_ = p.cmd.Wait()
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		p.t.Errorf("it ended with %d, want %d", got, status)
	}
	after, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	if *after != p.before {
		p.t.Errorf("the terminal's settings are %+v, were %+v", *after, p.before)
	}
	p.until("the first screen with its cursor", func(string) bool { return !p.other && p.cursor })
}
