//go:build !linux

package main

import "errors"

// terminal is not driven elsewhere: isTerminal is false there.
type terminal struct{}

func openTerminal() (*terminal, error) {
	return nil, errors.New("the screen of top is there on Linux alone")
}

func (*terminal) enter() error              { return nil }
func (*terminal) leave()                    {}
func (*terminal) size() (width, height int) { return 80, 24 }
func suspend()                              {}
