//go:build !linux

package poolscan

import (
	"context"
	"errors"
)

var errUnimplemented = errors.New("pools are mapped on Linux alone")

// Measure has no pool to measure.
func Measure(context.Context, Options) (*Result, error) { return nil, errUnimplemented }
