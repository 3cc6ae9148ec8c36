package lpc

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/seed-eedd8485/lpc/internal/engine"
	"github.com/seed-eedd8485/lpc/namespace"
	"github.com/seed-eedd8485/lpc/security"
)

// What callers branch on, with errors.Is. Deadlines and cancellation come through
// as context.DeadlineExceeded and context.Canceled.
var (
	// ErrPortClosed: the port or the connection was closed by its program, here
	// or at the other end. Dial again, if the service is to come back.
	ErrPortClosed = engine.ErrPortClosed
	// ErrPeerDied: the process at the other end ended without closing. Whether it
	// had served a call in progress is not known.
	ErrPeerDied = engine.ErrPeerDied
	// ErrTooLarge: the message is larger than a limit; the error says both sizes
	// and whose limit. The connection lives on.
	ErrTooLarge = engine.ErrTooLarge
	// ErrQueueFull: all slots of the connection are held by calls whose callers
	// gave up and which the server never answered.
	ErrQueueFull = engine.ErrQueueFull
	// ErrQuota: a limit on connections or section memory is reached. Retry later.
	ErrQuota = engine.ErrQuota
	// ErrNotFound: no live port has the name.
	ErrNotFound = namespace.ErrNotFound
	// ErrInUse: a live port has the name.
	ErrInUse = namespace.ErrInUse
	// ErrInvalidTag: the text is no tag of one to four printable ASCII characters,
	// or one of the library's own.
	ErrInvalidTag = engine.ErrInvalidTag
	// ErrInvalidName: the name cannot be a port's.
	ErrInvalidName = namespace.ErrInvalidName
	// ErrUntrustedRoot: others may write a directory on the way to the name.
	ErrUntrustedRoot = namespace.ErrUntrustedRoot
	// ErrPermission: the port does not admit the caller, or its listener is not
	// the user that Dial asked for.
	ErrPermission = engine.ErrPermission
	// ErrRefused: the server's program refused the connection; errors.As gives a
	// RefusedError with its information.
	ErrRefused = engine.ErrRefused
	// ErrHandlerFailed: the other end's handler failed the call; errors.As gives a
	// HandlerError.
	ErrHandlerFailed = engine.ErrHandlerFailed
	// ErrProtocol: the peer wrote what no peer that follows the protocol writes;
	// the error says what. The connection has ended.
	ErrProtocol = engine.ErrProtocol
	// ErrReplied: the request was replied to before.
	ErrReplied = engine.ErrReplied
	// ErrAbandoned: the caller gave up before the reply.
	ErrAbandoned = engine.ErrAbandoned
	// ErrNoHandler: the other end serves no requests.
	ErrNoHandler = engine.ErrNoHandler
	// ErrDropped: the handler returned without a reply.
	ErrDropped = engine.ErrDropped
	// ErrNoPrivilege: this process may not act as the caller.
	ErrNoPrivilege = security.ErrNoPrivilege
	// ErrIdentificationOnly: the caller may be identified and not acted for.
	ErrIdentificationOnly = security.ErrIdentificationOnly
	// ErrDeadlock: the call would have waited for itself, through calls of other
	// processes; errors.As gives a DeadlockError with the chain. The server may still
	// serve the call. See DialOptions.RefuseDeadlock.
	ErrDeadlock = engine.ErrDeadlock
)

// DeadlockError is a call that would have waited for itself.
type DeadlockError = engine.DeadlockError

// HandlerError is a failure that a handler reported with Request.Fail.
type HandlerError = engine.HandlerError

// RefusedError is a connection that the server refused.
type RefusedError = engine.RefusedError

// An Error says which operation on which port failed, and why.
type Error struct {
	Op    string // "listen", "dial", "call", ...
	Port  string // the port's name; "" where there is none
	MsgID uint32 // the message's number, 0 where there is none
	Err   error
}

func (e *Error) Error() string {
	s := "lpc " + e.Op
	if e.Port != "" {
		s += " " + e.Port
	}
	if e.MsgID != 0 {
		s += fmt.Sprintf(" msg %#x", e.MsgID)
	}
	return s + ": " + e.Err.Error()
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout tells a deadline that passed.
func (e *Error) Timeout() bool { return errors.Is(e.Err, context.DeadlineExceeded) }

// Temporary is for net.Error: none is.
func (e *Error) Temporary() bool { return false }

var _ net.Error = (*Error)(nil)

// wrap makes an Error of err; nil stays nil.
func wrap(op, port string, id uint32, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, namespace.ErrPermission) && !errors.Is(err, ErrPermission) {
		err = fmt.Errorf("%w: %w", ErrPermission, err)
	}
	return &Error{Op: op, Port: port, MsgID: id, Err: err}
}
