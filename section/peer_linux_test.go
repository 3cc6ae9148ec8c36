package section

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// peerEnv makes the test binary the second process: its descriptor 3 is a
// section of the size that the variable tells.
const peerEnv = "SECTION_TEST_PEER_SIZE"

// peer checks what the test wrote, answers, and discards the second page.
func peer() int {
	var size int
	fail := func(err error) int { fmt.Println(err); return 1 }
	if _, err := fmt.Sscan(os.Getenv(peerEnv), &size); err != nil {
		return fail(err)
	}
	if _, err := Open(3, size-1); err == nil {
		return fail(fmt.Errorf("opening with the wrong size: no error"))
	}
	s, err := Open(3, size)
	if err != nil {
		return fail(err)
	}
	unix.Close(3) // the mapping does not need it
	if got := string(s.Bytes()[:5]); got != "hello" {
		return fail(fmt.Errorf("read %q", got))
	}
	copy(s.Bytes(), "world")
	if err := s.Discard(os.Getpagesize(), os.Getpagesize()); err != nil {
		return fail(err)
	}
	if err := s.Unmap(); err != nil {
		return fail(err)
	}
	return 0
}

func TestTwoProcesses(t *testing.T) {
	page := os.Getpagesize()
	s, fd := create(t, "lpc:two", 3*page)
	copy(s.Bytes(), "hello")
	s.Bytes()[page] = 1
	s.Bytes()[2*page] = 1

	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	passed := os.NewFile(uintptr(dup), "section")
	defer passed.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", peerEnv, s.Size()), "GORACE=atexit_sleep_ms=0")
	cmd.ExtraFiles = []*os.File{passed}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the peer: %v: %s", err, out)
	}
	if got := string(s.Bytes()[:5]); got != "world" {
		t.Errorf("the peer left %q", got)
	}
	if s.Bytes()[page] != 0 || s.Bytes()[2*page] != 1 {
		t.Errorf("after the peer discarded the second page, it reads %d and the third %d, want 0 and 1", s.Bytes()[page], s.Bytes()[2*page])
	}
}
