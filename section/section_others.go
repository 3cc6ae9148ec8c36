//go:build !linux

package section

import "errors"

var errUnimplemented = errors.New("section: sealed shared memory is implemented for Linux only")

// Create is implemented for Linux only.
func Create(string, int) (*Section, int, error) { return nil, -1, errUnimplemented }

// Open is implemented for Linux only.
func Open(int, int) (*Section, error) { return nil, errUnimplemented }

// Make fails: there are no memfds.
func Make(string, int) (int, error) { return -1, errUnimplemented }

// Map fails.
func Map(int, int64, int, bool) (*Section, error) { return nil, errUnimplemented }

// Check fails.
func Check(int, int) error { return errUnimplemented }

// CloseUntrusted is implemented for Linux only.
func CloseUntrusted(int) <-chan struct{} {
	closed := make(chan struct{})
	close(closed)
	return closed
}

// Unmap is implemented for Linux only.
func (s *Section) Unmap() error { return errUnimplemented }

// Discard is implemented for Linux only.
func (s *Section) Discard(int, int) error { return errUnimplemented }

// DontDump is implemented for Linux only.
func (s *Section) DontDump() error { return errUnimplemented }
