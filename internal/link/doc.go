// Package link is the control socket of a connection: handshake, descriptors,
// doorbell and death notice.
//
// One AF_UNIX SOCK_SEQPACKET socket serves for all four. A packet of one byte is
// the doorbell: look at your channel. A longer packet is a Frame; PROTOCOL.md has
// their layout. The end of the socket is the death of the peer, as the kernel saw
// it. So an idle connection holds one descriptor in each process. A process that forks
// (Forks) is watched besides, by a descriptor of the process itself, because a child that
// inherited the socket would hide its parent's death.
//
// The package also has the poller: all sockets of a process hang in one epoll
// instance, which itself hangs in Go's netpoller, so that 10,000 idle connections
// cost no goroutine and no thread. Handlers run on the poller's goroutine, one
// after the other, and must not block.
//
// A descriptor that a peer chose is never closed by the poller, under a lock or in a
// program's call, for such a close may wait: closing_linux.go.
//
// It knows nothing of ports and messages: the engine says what a frame means.
//
// Lock order: Link.mu before the lock of what waits to be closed; that and Poller.mu are leaves.
package link
