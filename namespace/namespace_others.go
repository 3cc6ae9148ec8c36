//go:build !linux

package namespace

import (
	"context"
	"errors"
)

var errUnimplemented = errors.New("namespace: sockets with names are implemented for Linux only")

// Listener is implemented for Linux only.
type Listener struct{}

// ListenRoot is implemented for Linux only.
func ListenRoot() (string, error) { return "", errUnimplemented }

// SearchRoots is implemented for Linux only.
func SearchRoots() []string { return nil }

// Listen is implemented for Linux only.
func Listen(Name, Options) (*Listener, error) { return nil, errUnimplemented }

// FD is implemented for Linux only.
func (l *Listener) FD() int { return -1 }

// Name is implemented for Linux only.
func (l *Listener) Name() Name { return Name{} }

// Path is implemented for Linux only.
func (l *Listener) Path() string { return "" }

// Close is implemented for Linux only.
func (l *Listener) Close() error { return errUnimplemented }

// Connect is implemented for Linux only.
func Connect(context.Context, Name) (int, error) { return -1, errUnimplemented }

// List is implemented for Linux only.
func List(context.Context, []string) ([]Entry, error) { return nil, errUnimplemented }
