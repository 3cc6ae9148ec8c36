package nt

import (
	"errors"
	"runtime"

	"github.com/seed-eedd8485/lpc/internal/engine"
	"github.com/seed-eedd8485/lpc/security"
)

// NtImpersonateClientOfPort makes the thread act as the sender of a request that it has
// received and that still waits (lpc reference b.12, f.2, f.3). PortHandle is a server
// communication port's. The calling goroutine is locked to its OS thread until it
// reverts, with NtSetInformationThread.
//
// Where the client allows no more than identification, or this process may not take the
// client's ids, the call succeeds and the thread's ids do not change: Token tells who the
// client is, and Token().Level() that it is identification. Check it.
func (t *Thread) NtImpersonateClientOfPort(PortHandle Handle, Message *Message) Status {
	if Message == nil {
		return StatusAccessViolation
	}
	c, s := serverEnd(PortHandle)
	if s != StatusSuccess {
		return s
	}
	if !engine.ThreadLives(Message.ClientID) {
		return StatusInvalidCID
	}
	if c.Err() != nil {
		return StatusPortDisconnected
	}
	u, err := t.e.Find(c, &Message.PortMessage)
	if err == nil && u.C != c {
		err = engine.ErrMismatch // of another connection
	}
	if err != nil {
		return status(err)
	}
	tok, err := u.ClientToken()
	switch {
	case errors.Is(err, engine.ErrHidden):
		return StatusAccessDenied
	case errors.Is(err, security.ErrLevel):
		return StatusBadImpersonationLevel
	case err != nil:
		return status(err)
	}
	if s := t.revert(); s != StatusSuccess {
		return s
	}
	return t.actAs(tok)
}

// actAs begins to act as tok's client.
func (t *Thread) actAs(tok *security.Token) Status {
	active, err := security.Begin(tok, security.Options{})
	switch {
	case err == nil:
		t.active = active
		t.token.Store(tok)
	case errors.Is(err, security.ErrNotRestored):
		runtime.Goexit() // the thread must serve nobody else, and ends
	case errors.Is(err, security.ErrIdentificationOnly), errors.Is(err, security.ErrNoPrivilege):
		t.token.Store(tok.AtMost(security.Identification))
	default:
		return StatusBadImpersonationLevel
	}
	t.e.ActsAs(t.token.Load())
	return StatusSuccess
}

// Token is whom the thread acts as, nil: itself. At identification it tells who the
// client is, and the thread has its own ids.
func (t *Thread) Token() *security.Token { return t.token.Load() }

// revert makes the thread itself again.
func (t *Thread) revert() Status {
	if t.token.Load() == nil {
		return StatusSuccess
	}
	if a := t.active; a != nil {
		switch err := a.Revert(); {
		case errors.Is(err, security.ErrWrongThread):
			return StatusAccessDenied // only the thread that impersonates can revert
		case err != nil:
			runtime.Goexit() // it cannot be restored, and must serve nobody else
		}
	}
	t.active = nil
	t.token.Store(nil)
	t.e.ActsAs(nil)
	return StatusSuccess
}

// ThreadImpersonationToken is the class of NtSetInformationThread that reverts.
const ThreadImpersonationToken = 5

// NtSetInformationThread with ThreadImpersonationToken and no token (8 zero bytes, a
// handle) makes the calling thread itself again. Other classes are
// StatusInvalidInfoClass, other tokens StatusNotSupported.
func (t *Thread) NtSetInformationThread(ThreadHandle Handle, ThreadInformationClass uint32, ThreadInformation []byte) Status {
	switch {
	case ThreadInformationClass != ThreadImpersonationToken:
		return StatusInvalidInfoClass
	case len(ThreadInformation) != 8:
		return StatusInfoLengthMismatch
	case ThreadHandle != CurrentThreadHandle:
		return StatusInvalidHandle
	}
	for _, b := range ThreadInformation {
		if b != 0 {
			return StatusNotSupported
		}
	}
	return t.revert()
}
