//go:build !linux

package floor

import (
	"errors"
	"os"
)

// errUnimplemented is returned where there is no memfd.
var errUnimplemented = errors.New("floor: not implemented for this system")

// Share returns an error.
func Share(int) (*Page, *os.File, error) { return nil, nil, errUnimplemented }

// Join returns an error.
func Join(string, int) (*Page, error) { return nil, errUnimplemented }

// Close does nothing.
func (p *Page) Close() error { return nil }
