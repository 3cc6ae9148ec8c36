package security

import (
	"errors"
	"fmt"
	"runtime"
)

// Errors of [Begin], [Active.Revert] and [Impersonate] about the thread.
var (
	// ErrNested reports a thread that impersonates already. Revert first: there is
	// no stack of identities, as there is none on NT.
	ErrNested = errors.New("this thread impersonates a client already")
	// ErrWrongThread reports an Active that was made on another thread. Nothing
	// was changed; only that thread can revert.
	ErrWrongThread = errors.New("the impersonation was begun on another thread")
	// ErrNotRestored reports a thread that could not be made what it was. It must
	// not serve anybody else: the goroutine stays locked to it, and must end, which
	// ends the thread (runtime.LockOSThread). A C thread must end by itself.
	ErrNotRestored = errors.New("the thread could not be restored and must end")
)

// Impersonate runs f as tok's client: on this goroutine's thread, which alone has
// the client's effective ids meanwhile, and no capabilities unless o says so. See
// the package's doc for what that covers. It returns f's error, or why f was not
// called:
//
//   - [ErrIdentificationOnly], [ErrNoPrivilege]: the client may not be acted for;
//   - [ErrNested]: f of another Impersonate called it;
//   - another error: the kernel refused a step, and the thread is as it was.
//
// When f returns or panics the thread is what it was, and that is verified. If it
// cannot be restored, Impersonate does not return: the goroutine ends
// (runtime.Goexit), and the thread with it. Deferred functions of callers then
// run as the client.
//
// Preconditions: f neither unlocks the goroutine from its thread nor changes ids,
// groups or capabilities.
func Impersonate(tok *Token, o Options, f func() error) error {
	a, err := Begin(tok, o)
	if errors.Is(err, ErrNotRestored) {
		runtime.Goexit()
	}
	if err != nil {
		return err
	}
	defer func() {
		err := a.Revert()
		if errors.Is(err, ErrWrongThread) {
			// The thread with the client's ids runs other goroutines by now. No error
			// that somebody may ignore is enough.
			panic(fmt.Sprintf("security: f unlocked its goroutine from the thread that impersonates %v", tok))
		}
		if err != nil {
			runtime.Goexit()
		}
	}()
	return f()
}
