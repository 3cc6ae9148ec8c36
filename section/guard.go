package section

import (
	"runtime"
	"runtime/debug"
)

// Guard calls f, and returns a *[Fault] if f touched memory that the system
// could not provide (SIGBUS, SIGSEGV): what a peer's section can come to, and
// what would else end the process. f stops at the access, so f must leave
// nothing behind that its end was to clean up: it should copy, and no more.
//
// Every other panic passes through, a nil dereference among them, which is a
// bug of the caller and not the peer's doing. Guard may be nested, and used
// from any number of goroutines; the setting of debug.SetPanicOnFault that it
// found is put back.
func Guard(f func()) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		switch r := recover().(type) {
		case nil:
		case faultError:
			err = &Fault{Addr: r.Addr()}
		default:
			panic(r)
		}
	}()
	f()
	return nil
}

// faultError is what the runtime panics with for a fault at an address outside
// the first page, as debug.SetPanicOnFault documents.
type faultError interface {
	runtime.Error
	Addr() uintptr
}
