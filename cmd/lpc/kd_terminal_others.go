//go:build !linux

package main

import "os"

// isTerminal: elsewhere commands are read as from a file.
func isTerminal(*os.File) bool { return false }
