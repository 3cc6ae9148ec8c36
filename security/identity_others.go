//go:build !linux

package security

import "errors"

var errUnimplemented = errors.New("security: peer identity is implemented for Linux only")

// FromSocket is implemented for Linux only.
func FromSocket(int) (Identity, error) { return Identity{}, errUnimplemented }

// CaptureThread fails.
func CaptureThread(fd, tid, pid int, uid, gid uint32, level Level) (*Token, error) {
	return nil, errUnimplemented
}

// PeerPIDFD is implemented for Linux only.
func PeerPIDFD(int) (int, error) { return -1, errUnimplemented }

// WatchPeer is implemented for Linux only.
func WatchPeer(int) (int, error) { return -1, errUnimplemented }

// PeerEnded is implemented for Linux only.
func PeerEnded(int) bool { return false }
