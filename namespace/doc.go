// Package namespace is where ports have their names: it turns a name into a
// path, takes a name for a listening socket, connects to the socket that has
// one, and lists them all.
//
// A name is NT's (`\RPC Control\spool`); what holds it is a socket in a
// directory under a root. There is no daemon and no registry: the kernel, the
// directories' owners and a lock file for each name decide who has it. The
// package speaks no protocol: [Listen] and [Connect] hand out bare
// SOCK_SEQPACKET sockets, and what goes over them is the business of others.
//
//	n, err := namespace.Parse(`\RPC Control\spool`) // or "spool", or "ncalrpc:[spool]"
//	l, err := namespace.Listen(n, namespace.Options{})
//	defer l.Close()
//	// accept on l.FD()
//
//	fd, err := namespace.Connect(ctx, n) // in another process
//	entries, err := namespace.List(ctx, namespace.SearchRoots())
//
// # On disk
//
// `\RPC Control\spool` is rpc%20control/spool below the root: folded to one case
// (Unicode simple folding, no normalization), bytes outside [a-z0-9._-] as %XX,
// and so is a dot that a component begins with. So no name begins with a dot on
// disk, and the package's own files do:
//
//	.NAME.lock        the lock of NAME; stays for ever, empty
//	.~HASH.lock       the same where .NAME.lock would be longer than 255 bytes
//	.~HASH.new        a socket on its way to NAME
//
// # Which directories
//
// $LPC_ROOT, when set, is the only root. Otherwise root listens in /run/lpc and
// others in $XDG_RUNTIME_DIR/lpc, or in a private directory lpc-UID of the
// temporary directory; who looks for a name looks in its own root first, then
// in /run/lpc. A set-id program takes none of the three from its environment
// (getauxval(3), AT_SECURE).
//
// A directory is used only if nobody but its owner may write it, and its owner
// is the caller or root; a sticky bit does not help. Below a root that belongs
// to root, Connect and List also walk into a directory of somebody else: only
// root can have put it there, so that is a service account's, for the names
// below it. That account listens there without being told: [Listen] takes
// /run/lpc for a name whose directory there belongs to the caller.
//
// # Locks
//
// A Listener holds its name's lock file by a record lock (fcntl(2)) from before the
// name is taken until it is closed or its process ends. Inside a process, a Listener's
// mutex orders Close calls; the locks that the process holds have one, which is taken
// last.
//
// # Forked children
//
// A child made without execve(2) has the listening socket of its parent, and keeps it
// open when that dies. So a server counts as alive while the process that called
// listen(2) is (SO_PEERPIDFD), and the record lock is not the child's.
package namespace
