package security

import (
	"errors"
	"fmt"
	"slices"
)

// ErrPeerEnded reports a socket whose peer's process has ended, though a child of it may
// still hold the other end.
var ErrPeerEnded = errors.New("the peer's process has ended")

// ErrNoPeer reports a descriptor that has no peer to speak of: it is no AF_UNIX
// socket, or one that was never connected. Nothing may be concluded about a
// caller from it; end the connection.
var ErrNoPeer = errors.New("no identity: the descriptor is not a connected AF_UNIX socket")

// Identity is who opened a connection, as the kernel recorded it (see the
// package's doc for when). Ids are seen from the user and pid namespace of the
// process that asked; an id with no mapping there shows as the overflow id
// (65534 unless changed, user_namespaces(7)), and a process that this pid
// namespace does not show has PID 0.
//
// An Identity is a copy: it holds no descriptor and may be kept and shared as
// long as nobody writes to Groups.
type Identity struct {
	PID    int      // a label for people, not an identity: see the package's doc
	UID    uint32   // effective user id
	GID    uint32   // effective group id
	Groups []uint32 // supplementary groups; may or may not have GID among them
}

// Is reports whether the peer's effective user id is uid. Root is not every
// user: a caller that admits root as well asks for it by Is(0).
func (id Identity) Is(uid uint32) bool { return id.UID == uid }

// InGroup reports whether the peer had gid as its effective or as a
// supplementary group, the rule that the kernel applies to a file's group
// (credentials(7)).
func (id Identity) InGroup(gid uint32) bool {
	return id.GID == gid || slices.Contains(id.Groups, gid)
}

// String gives the ids without the supplementary groups: "pid 42 uid 1000 gid
// 1000".
func (id Identity) String() string {
	return fmt.Sprintf("pid %d uid %d gid %d", id.PID, id.UID, id.GID)
}
