package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// isTerminal tells whether a file is a terminal (ioctl_tty(2), TCGETS).
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
