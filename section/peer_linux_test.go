package section

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// peer SIZE is the second process: its descriptor 3 is a section of that size. It
// checks what the test wrote, answers, and discards the second page.
func peer() error {
	size, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return err
	}
	if _, err := Open(3, size-1); err == nil {
		return errors.New("opening with the wrong size: no error")
	}
	s, err := Open(3, size)
	if err != nil {
		return err
	}
	unix.Close(3) // the mapping does not need it
	if got := string(s.Bytes()[:5]); got != "hello" {
		return fmt.Errorf("read %q", got)
	}
	copy(s.Bytes(), "world")
	if err := s.Discard(os.Getpagesize(), os.Getpagesize()); err != nil {
		return err
	}
	return s.Unmap()
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
	cmd := proctest.Command("peer", "GORACE=atexit_sleep_ms=0")
	cmd.Args = append(cmd.Args, strconv.Itoa(s.Size()))
	cmd.Stderr = nil // CombinedOutput's
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
