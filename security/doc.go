// Package security says who stands at the other end of a connection.
//
// It is only identity so far: what the kernel recorded about the peer of a
// connected AF_UNIX socket (unix(7), SO_PEERCRED, SO_PEERGROUPS and
// SO_PEERPIDFD). It is not access control, and it asks nothing of the peer: no
// byte that the peer wrote has a part in the answer.
//
//	id, err := security.FromSocket(fd)   // who connected, or who listens
//	pidfd, err := security.PeerPIDFD(fd) // a hold on that process
//
// # When the kernel took the record
//
// The accepting end sees the connecting process as it was at connect(2). The
// connecting end sees the process that called listen(2) as it was then. The two
// ends of a socketpair(2) see the process that made the pair. A process that
// changes its ids later, or hands the socket to another process, changes
// nothing in the record: it answers "who opened this connection", not "who
// holds its other end now".
//
// # A pid is a label
//
// [Identity].PID may name another process as soon as the peer is gone, for the
// kernel uses process ids again. Print it; never signal it, never open
// /proc/PID for a decision, never compare it to grant something. [PeerPIDFD] is
// the hold that stays with the one process (pidfd_open(2)).
//
// The package holds no lock and no state. All of it may be used from any number
// of goroutines at once.
package security
