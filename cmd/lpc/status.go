package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/escape"
)

// Exit statuses. Scripts branch on them: a number is never used for another thing.
const (
	statusOK         = 0
	statusOther      = 1
	statusUsage      = 2
	statusNotFound   = 3
	statusPermission = 4
	statusPeerDied   = 5
	statusTooLarge   = 6
	statusDeadline   = 7
	statusRefused    = 8
	statusHandler    = 9
)

// portError is what went wrong with one port.
type portError struct {
	port string // the name as the user gave it
	err  error
}

func (e *portError) Error() string { return e.port + ": " + e.err.Error() }
func (e *portError) Unwrap() error { return e.err }

// about says which port err is about; nil stays nil.
func about(port string, err error) error {
	if err == nil {
		return nil
	}
	return &portError{port, err}
}

// statuses maps errors to exit statuses and to the sentence that the user reads.
// The first row one of whose errors is err's wins; what no row has is
// statusOther with its own text. --help prints code and help of each.
var statuses = []struct {
	code int
	help string
	errs []error
	say  func(port string, err error) string
}{
	{statusOK, "done", nil, nil},
	{statusOther, "any other failure",
		[]error{lpc.ErrInUse},
		func(port string, _ error) string {
			return fmt.Sprintf("%s is in use: a live server listens on it", port)
		}},
	{statusUsage, "usage: unknown flag, missing argument, impossible name",
		[]error{lpc.ErrInvalidName},
		func(_ string, err error) string { return err.Error() }}, // it has the name, quoted
	{statusNotFound, "no such port: nobody listens under that name",
		[]error{lpc.ErrNotFound},
		func(port string, _ error) string { return fmt.Sprintf("no such port: nobody listens on %s", port) }},
	{statusPermission, "no permission: the port, or its directory, does not admit the caller",
		[]error{lpc.ErrPermission, lpc.ErrUntrustedRoot},
		func(port string, err error) string {
			return fmt.Sprintf("permission denied on %s%s", port, detail(err, lpc.ErrPermission))
		}},
	{statusPeerDied, "the server died, or closed the port, before it replied",
		[]error{lpc.ErrPeerDied, lpc.ErrPortClosed}, sayDied},
	{statusTooLarge, "the request or the reply is larger than the port takes",
		[]error{lpc.ErrTooLarge},
		func(port string, err error) string {
			return fmt.Sprintf("too large for %s%s", port, detail(err, lpc.ErrTooLarge))
		}},
	{statusDeadline, "the deadline passed (call -t, send -t)",
		[]error{context.DeadlineExceeded},
		func(port string, _ error) string {
			return fmt.Sprintf("deadline exceeded: %s did not answer in time", port)
		}},
	{statusRefused, "the server refused the connection",
		[]error{lpc.ErrRefused}, sayRefused},
	{statusHandler, "the server's handler failed; its code and its last line follow",
		[]error{lpc.ErrHandlerFailed}, sayHandler},
}

// explain returns the exit status for err and the sentence for the user.
func explain(err error) (code int, sentence string) {
	var u usageError
	if errors.As(err, &u) {
		return statusUsage, escape.Text(u.text)
	}
	var pe *portError
	if !errors.As(err, &pe) {
		return statusOther, escape.Text(err.Error())
	}
	for _, s := range statuses {
		for _, e := range s.errs {
			if errors.Is(err, e) {
				return s.code, escape.Text(s.say(pe.port, cause(pe.err)))
			}
		}
	}
	return statusOther, escape.Text(fmt.Sprintf("%s: %v", pe.port, cause(pe.err)))
}

// cause is err without the library's "lpc call PORT msg ID:" before it: the
// sentence names the port already.
func cause(err error) error {
	var e *lpc.Error
	if errors.As(err, &e) && e.Err != nil {
		return e.Err
	}
	return err
}

// detail is what err says beyond its kind, which the sentence has in words.
func detail(err, kind error) string {
	text := err.Error()
	for text != "" {
		rest, found := strings.CutPrefix(text, kind.Error())
		if !found {
			return ": " + text
		}
		text = strings.TrimPrefix(rest, ": ")
	}
	return ""
}

func sayDied(port string, err error) string {
	if errors.Is(err, lpc.ErrPortClosed) {
		return fmt.Sprintf("the server closed %s before it replied", port)
	}
	return fmt.Sprintf("the server of %s died before it replied", port)
}

func sayRefused(port string, err error) string {
	var r *lpc.RefusedError
	if errors.As(err, &r) && len(r.Info) > 0 {
		return fmt.Sprintf("%s refused the connection: %s", port, r.Info)
	}
	return fmt.Sprintf("%s refused the connection", port)
}

func sayHandler(port string, err error) string {
	var h *lpc.HandlerError
	if !errors.As(err, &h) {
		return fmt.Sprintf("the handler of %s failed: %v", port, err)
	}
	if h.Text == "" {
		return fmt.Sprintf("the handler of %s failed with code %d", port, h.Code)
	}
	return fmt.Sprintf("the handler of %s failed with code %d: %s", port, h.Code, h.Text)
}
