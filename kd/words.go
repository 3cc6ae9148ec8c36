package kd

import (
	"context"
	"errors"
	"io"
)

// RunWords carries out one command that is given as words, so that any bytes may
// stand in them: a file's name from a command line. It is otherwise as Run.
func (s *Session) RunWords(ctx context.Context, w io.Writer, words ...string) error {
	if len(words) == 0 {
		return errors.New("no command was given")
	}
	c, args, ok := lookup(words)
	if !ok {
		return unknown(words)
	}
	return s.run(ctx, w, c, args)
}
