package ntconform

// A Request is one call with its parameters: "call", and each parameter under its
// name, written as its Kind says. As JSON it is an object of strings.
type Request map[string]string

// A Result is what came back: "status" (eight hex digits), and each parameter that
// can be written under its name. "error" is set instead where the driver could not
// make the call: that fails a scene, whatever it expects.
type Result map[string]string

// A Driver makes threads that make calls.
type Driver interface {
	// Offers says which scenes can be played.
	Offers() Needs
	// Thread makes a thread in the process of that letter, and the process if there
	// is none.
	Thread(process byte, name string) (Thread, error)
	// Kill ends the process of that letter by SIGKILL and returns when it has ended.
	// Only with Apart. Its next thread is in a new one.
	Kill(process byte) error
}

// A Thread makes one call at a time.
type Thread interface {
	// Start begins a call. It does not wait for it.
	Start(Request)
	// Result yields what each call gave, once. It is closed where the process ended.
	Result() <-chan Result
	// Discard lets go of the thread, which may be waiting.
	Discard()
}
