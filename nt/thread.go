package nt

// A Thread stands for an NT thread: it waits for one thing at a time, and what it has
// received is known by it.
type Thread struct{}

// NewThread makes a Thread for a goroutine to carry.
func NewThread() (*Thread, error) { return &Thread{}, nil }

// CurrentThread is the Thread of the calling OS thread, which must be locked.
func CurrentThread() *Thread { return nil }

// ClientID is the thread's.
func (t *Thread) ClientID() ClientID { return ClientID{} }

// Exit ends the thread.
func (t *Thread) Exit() {}
