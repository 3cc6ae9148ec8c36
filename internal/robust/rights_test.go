package robust

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// letRights has the sockets of this process take descriptors, its listeners among them, as
// all sockets do before Linux 6.16: what the kernel refuses since then is tried all the same.
func letRights(t testing.TB) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if fd, err := strconv.Atoi(e.Name()); err == nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSRIGHTS, 1) // what is no socket, stays
		}
	}
}

// TestRightsRefused: the kernel keeps descriptors away from a server that expects none.
func TestRightsRefused(t *testing.T) {
	base := takeCensus()
	t.Run("server", func(t *testing.T) {
		local(t, nil, echo)
		early, err := rawDial(portName(t))
		if err != nil {
			t.Fatal(err)
		}
		defer early.close()
		if v, err := unix.GetsockoptInt(early.fd, unix.SOL_SOCKET, unix.SO_PASSRIGHTS); err != nil || v != 1 {
			needs.Elsewhere(t, "Linux 6.16 or newer (it has SO_PASSRIGHTS)")
		}
		r := mustConnect(t, portName(t))
		for _, r := range []*raw{early, r} {
			if err := r.send(frame(frameGrow, 1<<14, ""), 0); err != unix.EPERM {
				t.Errorf("a frame with a descriptor: %v, want EPERM", err)
			}
			if r.hungUp() {
				t.Error("the connection ended for what nobody received")
			}
		}
	})
	base.check(t)
}
