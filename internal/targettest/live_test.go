package targettest

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/proctest"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/live"
)

// TestKilledWhileRead: a process that ends between two reads is said to have, and
// its last state stays readable.
func TestKilledWhileRead(t *testing.T) {
	watchdog(t)
	c := start(t, "server")
	l := only(t, c.PID())
	before, killed := 0, false
	ports, _ := l.Ports()
	var said error
	for o := range ports {
		if !killed {
			killed = true
			c.Kill()
		}
		if o.Err != nil {
			said = o.Err
			continue
		}
		if before++; field(l, "_LPCP_PORT_OBJECT", "Flags", o.Addr)&0xf != 1 {
			t.Errorf("port %#x cannot be read any more", o.Addr)
		}
	}
	want := fmt.Sprintf("process %d has ended; its memory is read as it left it", c.PID())
	if before != 3 || said == nil || said.Error() != want {
		t.Errorf("%d ports and then %v, want 3 and %q", before, said, want)
	}
	for range 2 {
		p, err := l.Process(uint64(c.PID()))
		if err != nil || p.Err == nil || p.Err.Error() != want || p.Image == "" {
			t.Errorf("the process is %+v (%v), want the error %q", p, err, want)
		}
		if err := l.Refresh(); err != nil { // the one that was asked for stays
			t.Fatal(err)
		}
	}
	if !strings.Contains(l.Describe(), want) {
		t.Errorf("it describes itself as %q", l.Describe())
	}
}

// TestKilledBetween: among all processes, one that has ended is no more after a
// Refresh.
func TestKilledBetween(t *testing.T) {
	watchdog(t)
	a, b := start(t, "server"), start(t, "open server")
	l := running(t)
	has := func(c *proctest.Child) bool {
		p, err := l.Process(uint64(c.PID()))
		return err == nil && p.ID == uint32(c.PID())
	}
	if !has(a) || !has(b) {
		t.Fatal("two processes do not show")
	}
	a.Kill()
	if p, _ := l.Process(uint64(a.PID())); p.Err == nil {
		t.Error("a process that has ended is shown without a word")
	}
	if err := l.Refresh(); err != nil {
		t.Fatal(err)
	}
	if has(a) || !has(b) {
		t.Errorf("after the end of one: it shows %v, the other %v", has(a), has(b))
	}
	if n, err := l.ReadMemory(uint64(a.PID())<<40, make([]byte, 8)); n != 0 || !errors.As(err, new(*target.Absent)) {
		t.Errorf("its memory: %d bytes, %v", n, err)
	}
}

func TestOpenOne(t *testing.T) {
	watchdog(t)
	c := start(t, "none")
	for pid, want := range map[int]string{
		c.PID(): fmt.Sprintf("process %d has no pool: it does not use lpc", c.PID()),
		1 << 29: fmt.Sprintf("there is no process %d", 1<<29),
	} {
		if l, err := live.Open(pid); err == nil || err.Error() != want {
			t.Errorf("opening %d: %v, %v, want %q", pid, l, err, want)
		}
	}
	if _, err := live.Open(1 << 29); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no process: %v, want fs.ErrNotExist", err)
	}
}

// TestGrows: extents that a process makes after it was opened are found.
func TestGrows(t *testing.T) {
	watchdog(t)
	c := start(t, "grower")
	l := only(t, c.PID())
	blocks := func() (n int) {
		for b := range l.Blocks("LpcM") {
			if b.Err != nil {
				t.Errorf("block: %v", b.Err)
			}
			n++
		}
		return n
	}
	if n := blocks(); n != 0 {
		t.Errorf("%d messages at first, want none", n)
	}
	c.Say(t, "go")
	c.Expect(t, "grown")
	if n := blocks(); n < 2000 {
		t.Errorf("%d messages after 2000 were received", n)
	}
	if want := uint64(len(only(t, c.PID()).Pools()[0].Extents)); want < 4 || field(l, "_LPC_POOL_HEADER", "Extents", uint64(c.PID())<<40|0x60) != want {
		t.Errorf("%d extents, want at least 4", want)
	}
}
