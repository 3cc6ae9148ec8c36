package security

import (
	"fmt"
	"strconv"
	"strings"
)

// CaptureThread returns a token for a thread of the peer of fd that has proved its ids
// with SCM_CREDENTIALS (unix(7)): what the kernel delivered is pid, uid and gid. Its groups are those
// of the peer's thread tid, as long as that has these ids, else none: tid is the peer's
// word, and names no thread but the peer's own. Errors are those of [Capture].
func CaptureThread(fd, tid int, pid int, uid, gid uint32, level Level) (*Token, error) {
	id, err := FromSocket(fd)
	if err != nil {
		return nil, err
	}
	if id.PID != pid {
		return nil, fmt.Errorf("taking the identity of a thread of process %d: process %d has proved one", id.PID, pid)
	}
	pidfd, err := PeerPIDFD(fd)
	if err != nil {
		pidfd = -1
	} else {
		defer closeFD(pidfd)
	}
	now := Identity{PID: id.PID, UID: uid, GID: gid, Groups: taskGroups(pidfd, tid, uid, gid)}
	if now.Groups == nil && now.UID == id.UID && now.GID == id.GID {
		now.Groups = id.Groups
	}
	return NewToken(now, pidfd, level)
}

// taskGroups are the groups of a thread of the process that pidfd holds, nil where it
// cannot be read or has other ids.
func taskGroups(pidfd, tid int, uid, gid uint32) []uint32 {
	dir, err := processDirectory(pidfd)
	if err != nil || tid <= 0 {
		return nil
	}
	defer closeFD(dir)
	text, err := readStatus(dir, "task/"+strconv.Itoa(tid)+"/status")
	if err != nil {
		return nil
	}
	s, err := parseStatus(text)
	if err != nil || s.uid[1] != uid || s.gid[1] != gid {
		return nil
	}
	groups := []uint32{}
	for _, f := range strings.Fields(field(text, "Groups:")) {
		n, err := strconv.ParseUint(f, 10, 32)
		if err != nil {
			return nil
		}
		groups = append(groups, uint32(n))
	}
	return groups
}
