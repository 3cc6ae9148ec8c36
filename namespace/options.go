package namespace

import "io/fs"

// Options are the choices of a listener; the zero value is a good one.
type Options struct {
	// Backlog is how many connections may wait to be accepted (listen(2)); 0
	// means 1024. The kernel bounds it by net.core.somaxconn.
	Backlog int
	// Mode is who may connect: the permission bits of the socket, of which the
	// write bits count (unix(7)). 0 means 0600, the owner and root. The owner
	// may always connect, whatever is asked for: who may not cannot find out
	// that a name is stale. Others must also be able to search the directories
	// on the way.
	Mode fs.FileMode
	// Root is the root to listen in, "" for the one that the package's doc
	// describes. It is not made when missing.
	Root string
}

const (
	defaultBacklog = 1024
	defaultMode    = 0o600
)
