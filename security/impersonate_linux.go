package security

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Active is an impersonation that was begun. It belongs to the thread on which
// it was begun.
type Active struct {
	tok    *Token
	tid    int
	before thread
	over   bool
}

// Begin makes the calling thread act as tok's client until [Active.Revert], and
// locks the goroutine to it. It is for callers for whom a function is not the
// right scope, as NT's two calls are; the rest is for [Impersonate], which also
// says what the errors are. After [ErrNotRestored] the goroutine is still locked
// and must end. After any other error the thread is as it was.
func Begin(tok *Token, o Options) (*Active, error) {
	if strconv.IntSize < 64 {
		return nil, errNarrow
	}
	if err := tok.permits(o); err != nil {
		return nil, err
	}
	lock()
	a := &Active{tok: tok, tid: unix.Gettid()}
	err := a.begin(o)
	if errors.Is(err, ErrNotRestored) {
		return nil, fmt.Errorf("impersonating %v: %w", tok, err)
	}
	if err != nil {
		unlock()
		return nil, fmt.Errorf("impersonating %v: %w", tok, err)
	}
	return a, nil
}

// The calls for 16-bit ids have the names of those for 32-bit ids there.
var errNarrow = errors.New("security: impersonation is implemented for 64-bit machines only")

func (a *Active) begin(o Options) error {
	if err := threads.enter(a); err != nil {
		return err
	}
	var err error
	if a.before, err = readThread(); err != nil {
		threads.leave(a, true)
		return err
	}
	if a.before.uid.fs != a.before.uid.effective || a.before.gid.fs != a.before.gid.effective {
		threads.leave(a, true)
		return errors.New("the thread's filesystem ids are not its effective ids")
	}
	client := a.before.as(a.tok, o)
	if err = a.before.become(&client); err == nil {
		return nil
	}
	if back := a.before.comeBack(); back != nil {
		threads.leave(a, false)
		return fmt.Errorf("%w: %w; going back: %w", ErrNotRestored, err, back)
	}
	threads.leave(a, true)
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w: %w", ErrNoPrivilege, err)
	}
	return err
}

// Token returns whose impersonation it is.
func (a *Active) Token() *Token { return a.tok }

// Revert makes the thread what it was before Begin, verifies it, and unlocks the
// goroutine. The errors are [ErrWrongThread], and [ErrNotRestored], after which
// the goroutine is still locked and must end. A second Revert does nothing.
func (a *Active) Revert() error {
	if unix.Gettid() != a.tid {
		return fmt.Errorf("reverting from %v: %w", a.tok, ErrWrongThread)
	}
	if a.over {
		return nil
	}
	a.over = true
	if err := a.before.comeBack(); err != nil {
		threads.leave(a, false)
		return fmt.Errorf("reverting from %v: %w: %w", a.tok, ErrNotRestored, err)
	}
	threads.leave(a, true)
	unlock()
	return nil
}

// Current returns the token that the calling thread acts for, nil if for none.
// The answer is of use to a goroutine that is locked to its thread.
func Current() *Token { return threads.current(unix.Gettid()) }

// lock holds twice, so that one unlock too many in a caller's function does not
// set a thread free that has a client's ids.
func lock() {
	runtime.LockOSThread()
	runtime.LockOSThread()
}

func unlock() {
	runtime.UnlockOSThread()
	runtime.UnlockOSThread()
}
