package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc"
)

func TestExplain(t *testing.T) {
	wrapped := func(err error) error { return &lpc.Error{Op: "call", Port: `\RPC Control\x`, MsgID: 26, Err: err} }
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{about("x", errors.New("odd")), 1, "x: odd"},
		{about("x", wrapped(lpc.ErrQueueFull)), 1, "x: " + lpc.ErrQueueFull.Error()},
		{about("x", wrapped(lpc.ErrInUse)), 1, "x is in use: a live server listens on it"},
		{about("x", wrapped(context.Canceled)), 1, "x: context canceled"},
		{errors.New("no port in it"), 1, "no port in it"},
		{usageError{"unknown flag"}, 2, "unknown flag"},
		{about("..", wrapped(fmt.Errorf("%w %q: odd\n", lpc.ErrInvalidName, ".."))), 2, lpc.ErrInvalidName.Error() + ` "..": odd\u{a}`},
		{about("x", wrapped(lpc.ErrNotFound)), 3, "no such port: nobody listens on x"},
		{about("x", wrapped(lpc.ErrPermission)), 4, "permission denied on x"},
		{about("x", wrapped(lpc.ErrPeerDied)), 5, "the server of x died before it replied"},
		{about("x", wrapped(lpc.ErrPortClosed)), 5, "the server closed x before it replied"},
		{about("x", wrapped(fmt.Errorf("%w: 1001 over 1000", lpc.ErrTooLarge))), 6, "too large for x: 1001 over 1000"},
		{about("x", wrapped(fmt.Errorf("%w: %w: odd", lpc.ErrTooLarge, lpc.ErrTooLarge))), 6, "too large for x: odd"},
		{about("x", wrapped(fmt.Errorf("made: %w", lpc.ErrPermission))), 4, "permission denied on x: made: " + lpc.ErrPermission.Error()},
		{about("x", wrapped(context.DeadlineExceeded)), 7, "deadline exceeded: x did not answer in time"},
		{about("x", wrapped(&lpc.RefusedError{})), 8, "x refused the connection"},
		{about("x", wrapped(&lpc.RefusedError{Info: []byte("no\n\xff")})), 8, `x refused the connection: no\u{a}\xff`},
		{about("x", wrapped(&lpc.HandlerError{Code: -3})), 9, "the handler of x failed with code -3"},
		{about("x", wrapped(&lpc.HandlerError{Code: 3, Text: "\x1b[2J"})), 9, `the handler of x failed with code 3: \u{1b}[2J`},
		{about("x", wrapped(lpc.ErrHandlerFailed)), 9, "the handler of x failed: " + lpc.ErrHandlerFailed.Error()},
	} {
		code, got := explain(c.err)
		if code != c.code || got != c.want {
			t.Errorf("%v: %d %q instead of %d %q", c.err, code, got, c.code, c.want)
		}
		if strings.ContainsAny(got, "\n\x1b") {
			t.Errorf("%q is more than a sentence", got)
		}
	}
	if about("x", nil) != nil {
		t.Error("about makes an error of none")
	}
}

// TestStatuses holds the table: each status once, in order, with a text.
func TestStatuses(t *testing.T) {
	for i, s := range statuses {
		if s.code != i || s.help == "" || (len(s.errs) > 0) != (s.say != nil) {
			t.Errorf("row %d is wrong: %d %q", i, s.code, s.help)
		}
	}
	if len(statuses) != statusHandler+1 {
		t.Errorf("%d statuses", len(statuses))
	}
}
