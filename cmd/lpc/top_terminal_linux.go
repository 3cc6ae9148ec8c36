package main

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// terminal is standard input and output, and how they were before.
type terminal struct {
	before unix.Termios

	mu      sync.Mutex
	entered bool // guarded by mu
}

func openTerminal() (*terminal, error) {
	t, err := unix.IoctlGetTermios(int(os.Stdin.Fd()), unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("asking the terminal for its settings: %w", err)
	}
	return &terminal{before: *t}, nil
}

// What the terminal is told (ctlseqs of xterm; ECMA-48): the other screen, and no
// cursor, no line that goes on in the next; then back.
const (
	toScreen   = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	fromScreen = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// enter makes the terminal give every key at once, and turns to the other screen.
// Keys that would send a signal are keys (termios(3): no ICANON, ECHO, ISIG).
func (t *terminal) enter() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	raw := t.before
	raw.Iflag &^= unix.BRKINT | unix.ICRNL | unix.INPCK | unix.ISTRIP | unix.IXON
	raw.Lflag &^= unix.ECHO | unix.ICANON | unix.IEXTEN | unix.ISIG
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(int(os.Stdin.Fd()), unix.TCSETS, &raw); err != nil {
		return fmt.Errorf("setting the terminal: %w", err)
	}
	t.entered = true
	_, err := os.Stdout.WriteString(toScreen)
	return err
}

// leave gives the terminal back as it was. It may be called again.
func (t *terminal) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.entered {
		return
	}
	t.entered = false
	_, _ = os.Stdout.WriteString(fromScreen)
	_ = unix.IoctlSetTermios(int(os.Stdin.Fd()), unix.TCSETSW, &t.before)
}

// size is the terminal's: 80 by 24 where it does not know.
func (t *terminal) size() (width, height int) {
	width, height = screenSize(os.Stdout)
	if width == 0 || height == 0 {
		return 80, 24
	}
	return width, height
}

// suspend stops the processes of the job, as ^Z does where it is no key.
func suspend() { _ = unix.Kill(0, unix.SIGTSTP) }
