package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// screenSize is how many columns and rows a terminal shows (ioctl_tty(2), TIOCGWINSZ); 0
// where it does not say.
func screenSize(f *os.File) (columns, rows int) {
	w, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return int(w.Col), int(w.Row)
}
