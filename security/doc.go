// Package security says who stands at the other end of a connection, and lets a
// server act as that client.
//
// Identity is what the kernel recorded about the peer of a connected AF_UNIX
// socket (unix(7), SO_PEERCRED, SO_PEERGROUPS and SO_PEERPIDFD). The peer is
// asked nothing: no byte that it wrote has a part in the answer. Who may do what
// with a port is the business of package access, which builds on this one.
//
//	id, err := security.FromSocket(fd)   // who connected, or who listens
//	pidfd, err := security.PeerPIDFD(fd) // a hold on that process
//
//	tok, err := security.Capture(fd, security.Impersonation)
//	err = security.Impersonate(tok, security.Options{}, func() error {
//		return os.WriteFile(path, data, 0o600) // the client's file, by the client's rights
//	})
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
// # Impersonation
//
// [Impersonate], or [Begin] and [Active.Revert], switch the effective ids of one
// locked thread: supplementary groups, group, user, then capabilities, and back
// in the reverse order, verified both ways. Real and saved ids stay the server's,
// and so the client can neither signal the server nor ptrace it meanwhile. (Nor
// can it slow the thread by nice or affinity, which do go by effective ids: the
// kernel wants the thread's permitted capabilities in the caller's.) It
// needs CAP_SETUID and CAP_SETGID, or a client with the server's own ids.
//
// It carries ids, not sandboxes. What the thread does goes by the client's user,
// groups and capabilities; namespaces, mounts, resource limits, keyrings, umask,
// security module labels and seccomp filters are the server's. Hence a client of
// another user namespace is not impersonated unless [Options].AllowForeign says
// so. What a server must know besides:
//
//   - Other goroutines run as the server, those that f starts included. Package
//     net resolves names and dials on goroutines of its own.
//   - access(2) asks by real ids: it answers for the server. Open the file.
//   - A descriptor opened as the server stays open as the server.
//   - The process is not dumpable meanwhile (PR_SET_DUMPABLE(2const)): no core
//     file, and /proc/PID is root's. When the last impersonation is over, the flag
//     is what it was before the first. A command that os/exec starts with a
//     Credential clears it for good, for until it executes its program the child
//     shares the process's memory; [Start] puts it back. The parent-death signal
//     is kept.
//   - syscall.Setuid and its like change every thread of the process. A server
//     that calls them meanwhile loses the thread ([ErrNotRestored]).
//
// A child process started by os/exec alone on an impersonating thread, or by fork
// in C, would have the server's real user id, could make that its effective one,
// and would be the server. No library can stand between: do not. [Token.Command] and [Start] make one
// that is the client and nothing else; Start refuses any other command. A command
// of Token.Command that is started by its own Start method on an impersonating
// thread fails with EPERM.
//
// # Concurrency
//
// All of the package may be used from any number of goroutines at once, but that
// an [Active] belongs to its thread. There is one lock, of the list of threads
// that impersonate; no call is made and nothing waited for under it but prctl(2)
// and tgkill(2).
package security
