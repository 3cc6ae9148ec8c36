package security

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func closeFD(fd int) { _ = unix.Close(fd) }

// inspect reads the user namespace of the process that pidfd holds, and the
// capabilities that it has of its own if its ids are still those of id.
func inspect(pidfd int, id Identity) (Namespace, CapSet) {
	dir, err := processDirectory(pidfd)
	if err != nil {
		return UnknownNamespace, 0
	}
	defer closeFD(dir)
	// Two namespace files are the same namespace if device and inode are
	// (namespaces(7)).
	var theirs, ours unix.Stat_t
	if unix.Fstatat(dir, "ns/user", &theirs, 0) != nil || unix.Stat("/proc/self/ns/user", &ours) != nil {
		return UnknownNamespace, 0
	}
	if theirs.Dev != ours.Dev || theirs.Ino != ours.Ino {
		return ForeignNamespace, 0
	}
	text, err := readStatus(dir, "status")
	if err != nil {
		return OwnNamespace, 0
	}
	s, err := parseStatus(text)
	if err != nil {
		return OwnNamespace, 0
	}
	return OwnNamespace, s.own(id)
}

// processDirectory opens /proc/PID of the process that pidfd holds. The caller
// owns the descriptor.
//
// The pid is taken from the pidfd's fdinfo, which gives it in the pid namespace
// of this /proc (pidfd_open(2)). The process may end and the pid be given to
// another one before the directory is open. So the pidfd is asked afterwards:
// while its process is there, dead or alive, its pid is nobody else's, and the
// open directory stays that process's.
func processDirectory(pidfd int) (int, error) {
	if pidfd < 0 {
		return -1, unix.EBADF
	}
	info, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(pidfd))
	if err != nil {
		return -1, err
	}
	pid, err := strconv.Atoi(field(string(info), "Pid:"))
	if err != nil || pid <= 0 { // -1 reaped, 0 not in this pid namespace
		return -1, unix.ESRCH
	}
	dir, err := unix.Open("/proc/"+strconv.Itoa(pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.PidfdSendSignal(pidfd, 0, nil, 0); err != nil && err != unix.EPERM {
		closeFD(dir)
		return -1, err
	}
	return dir, nil
}

// status is what /proc/PID/status tells (proc_pid_status(5)).
type status struct {
	uid, gid           [4]uint32 // real, effective, saved, filesystem
	effective, ambient CapSet
}

// own returns the capabilities that the process with this status has of its own,
// for a client that the kernel recorded as id when it connected.
//
// The status is of now, and the client had all the time to start a program since:
// one that is set-user-ID has other ids than id's; one with capabilities in its
// file has them in effect, with the same ids, but an empty ambient set
// (capabilities(7), "ambient"). Root gains nothing that way that it had not got.
func (s *status) own(id Identity) CapSet {
	for i := range s.uid {
		if s.uid[i] != id.UID || s.gid[i] != id.GID {
			return 0
		}
	}
	if id.UID == 0 {
		return s.effective
	}
	return s.effective & s.ambient
}

// statusLimit bounds the file: 65536 groups of up to 11 bytes, and the rest.
const statusLimit = 1 << 20

// readStatus reads a status file below a process's directory.
func readStatus(dir int, path string) (string, error) {
	fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	f := os.NewFile(uintptr(fd), "status")
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, statusLimit))
	return string(b), err
}

func parseStatus(text string) (*status, error) {
	var s status
	for name, ids := range map[string]*[4]uint32{"Uid:": &s.uid, "Gid:": &s.gid} {
		f := strings.Fields(field(text, name))
		if len(f) != len(ids) {
			return nil, fmt.Errorf("reading process status: %d numbers behind %s, expected 4", len(f), name)
		}
		for i := range ids {
			n, err := strconv.ParseUint(f[i], 10, 32)
			if err != nil {
				return nil, fmt.Errorf("reading process status: %s %q, expected a number of 32 bits", name, f[i])
			}
			ids[i] = uint32(n)
		}
	}
	for name, set := range map[string]*CapSet{"CapEff:": &s.effective, "CapAmb:": &s.ambient} {
		n, err := strconv.ParseUint(field(text, name), 16, 64)
		if err != nil {
			return nil, fmt.Errorf("reading process status: %s %q, expected 64 bits in hex", name, field(text, name))
		}
		*set = CapSet(n)
	}
	return &s, nil
}

// field returns what stands behind name at the start of a line, "" if no line
// starts so.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
