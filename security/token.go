package security

import (
	"errors"
	"fmt"
	"slices"
)

// Errors that a caller of [NewToken], [Begin] or [Impersonate] branches on.
var (
	// ErrLevel reports a level that there is not: delegation, or a number beyond.
	// NT's STATUS_BAD_IMPERSONATION_LEVEL.
	ErrLevel = errors.New("the impersonation level is not supported: expected anonymous, identification or impersonation")
	// ErrIdentificationOnly reports a token that tells who the client is and gives
	// nothing more: the client said so, or its user namespace is not the server's.
	// Decide by the identity, or refuse the client.
	ErrIdentificationOnly = errors.New("the token is for identification only")
	// ErrNoPrivilege reports a thread that may not take the client's ids: it has
	// neither the capabilities CAP_SETUID and CAP_SETGID nor these ids already.
	// The thread is as it was.
	ErrNoPrivilege = errors.New("this thread may not take the client's ids")
)

// anonymousID is the user and group of an anonymous client: nobody, by the
// kernel's default for ids that have no mapping (user_namespaces(7)).
const anonymousID = 65534

// noID is the one number of 32 bits that is no user and no group.
const noID = 1<<32 - 1

// Token is a client's identity together with how far a server may use it. A
// Token does not change: what a client does after it was taken (exec, other
// ids, other groups) has no part in it. It holds no descriptor and may be used
// from any number of goroutines. The zero Token is an anonymous client's.
type Token struct {
	id    Identity
	level Level
	space Namespace
	caps  CapSet // what the client itself may use; none unless space is own
}

// NewToken returns a token of level for id, as [FromSocket] gave it. pidfd, which
// stays the caller's, is [PeerPIDFD] of the same socket: by it the client's user
// namespace and capabilities are read now. With -1, or where they cannot be read,
// the namespace is unknown. The caller must not be impersonating anybody.
//
// To read them the server needs the right to ptrace the client (ptrace(2),
// PTRACE_MODE_READ_FSCREDS): CAP_SYS_PTRACE, or the same user.
//
// Delegation gives [ErrLevel].
func NewToken(id Identity, pidfd int, level Level) (*Token, error) {
	if level > Impersonation {
		return nil, fmt.Errorf("making token of %v, %v: %w", id, level, ErrLevel)
	}
	if level == Anonymous {
		return &Token{}, nil
	}
	t := &Token{id: id, level: level}
	t.id.Groups = slices.Clone(id.Groups)
	t.space, t.caps = inspect(pidfd, id)
	return t, nil
}

// Capture returns a token of level for the peer of fd, a connected AF_UNIX
// socket, which stays the caller's: FromSocket, PeerPIDFD and NewToken in one.
// A kernel without PeerPIDFD (before Linux 6.5) gives a token of an unknown
// namespace. Errors are those of FromSocket, and [ErrLevel].
func Capture(fd int, level Level) (*Token, error) {
	id, err := FromSocket(fd)
	if err != nil {
		return nil, err
	}
	pidfd, err := PeerPIDFD(fd)
	if err != nil {
		return NewToken(id, -1, level)
	}
	defer closeFD(pidfd)
	return NewToken(id, pidfd, level)
}

// Identity returns who the client is; of an anonymous token, uid and gid 65534
// without groups. Groups must not be written to.
func (t *Token) Identity() Identity {
	if t.level == Anonymous {
		return Identity{UID: anonymousID, GID: anonymousID}
	}
	return t.id
}

// Level returns what the client allowed.
func (t *Token) Level() Level { return t.level }

// Namespace returns whether the client lived in this process's user namespace.
func (t *Token) Namespace() Namespace { return t.space }

// Capabilities returns the capabilities that the client had of its own, none
// unless its user namespace is this process's. A client that is not root has of
// its own what stands in its ambient set: what it would give to any program that
// it starts. Capabilities that a program file carries are that program's, and
// could be had by anybody who starts it after connecting.
func (t *Token) Capabilities() CapSet { return t.caps }

// AtMost returns the token with that level, or with its own if that is lower.
func (t *Token) AtMost(level Level) *Token {
	if t.level <= level {
		return t
	}
	low := *t
	low.level = level
	return &low
}

// String gives the ids and the level.
func (t *Token) String() string { return fmt.Sprintf("%v, %v", t.Identity(), t.level) }

// Options are what a server allows beyond the ordinary.
type Options struct {
	// WithCapabilities keeps those capabilities in effect that both the thread and
	// the client have ([Token.Capabilities]). Without it there are none.
	WithCapabilities bool
	// AllowForeign admits clients whose user namespace is another one or unknown.
	// Their ids are what they map to here: a container's root is the user who made
	// the container, an id without a mapping is 65534. They never have
	// capabilities.
	AllowForeign bool
}

// permits returns why the token cannot be acted with, or nil.
func (t *Token) permits(o Options) error {
	switch {
	case t == nil:
		return fmt.Errorf("impersonating nobody: no token: %w", ErrIdentificationOnly)
	case t.level == Anonymous: // nobody's ids are the same from everywhere
		return nil
	case t.id.UID == noID || t.id.GID == noID: // to setresuid(2), "leave it as it is"
		return fmt.Errorf("impersonating %v: %d is no id: %w", t, noID, ErrIdentificationOnly)
	case t.level < Impersonation:
		return fmt.Errorf("impersonating %v: %w", t, ErrIdentificationOnly)
	case t.space != OwnNamespace && !o.AllowForeign:
		return fmt.Errorf("impersonating %v: the client's user namespace is %v, expected this process's own: %w", t, t.space, ErrIdentificationOnly)
	}
	return nil
}

// keeps returns the capabilities that stay in effect on a thread that has had.
func (t *Token) keeps(o Options, had CapSet) CapSet {
	if !o.WithCapabilities || t.level < Impersonation || t.space != OwnNamespace {
		return 0
	}
	return t.caps & had
}
