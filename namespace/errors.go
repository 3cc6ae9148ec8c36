package namespace

import "errors"

// What callers branch on. The errors that are returned wrap one of these and
// say which name or directory, what was found there and what was expected.
var (
	// ErrInvalidName: the text is no name; nothing was looked up.
	ErrInvalidName = errors.New("invalid name")
	// ErrNotFound: no port has the name, or one had it and died. Start the
	// server, then connect again.
	ErrNotFound = errors.New("no port has this name")
	// ErrInUse: a live port has the name, or somebody is just taking it.
	ErrInUse = errors.New("the name is in use")
	// ErrUntrustedRoot: a directory on the way to the name could be written by
	// others than the caller and root, so whatever is in it proves nothing.
	ErrUntrustedRoot = errors.New("untrusted directory")
	// ErrPermission: the directory or the port does not admit the caller.
	ErrPermission = errors.New("not permitted")
)
