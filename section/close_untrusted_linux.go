package section

import "golang.org/x/sys/unix"

// maxClosers bounds the threads that hostile files can hold at once. A thread
// in a close(2) that waits for a FUSE server cannot be taken back, and a Go
// process that comes to 10,000 threads ends.
const maxClosers = 8

var closers = make(chan struct{}, maxClosers)

// CloseUntrusted closes fd, which a peer sent and [Open] refused, without
// waiting for it: close(2) of a file on a file system that the peer serves asks
// the peer first (FUSE_FLUSH, fuse(4)), which may never answer. The caller gives
// fd away.
//
// The returned channel is closed when fd is. Nobody has to look at it; but who
// counts what a user may hold should count fd until then, for at most eight
// such closes run at a time and the others keep their descriptors meanwhile.
func CloseUntrusted(fd int) (closed <-chan struct{}) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		closers <- struct{}{}
		defer func() { <-closers }()
		// Whatever close(2) returns, the descriptor is gone after it.
		_ = unix.Close(fd)
	}()
	return done
}
