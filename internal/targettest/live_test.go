package targettest

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/live"
)

// TestKilledWhileRead: a process that ends between two reads is said to have, and
// its last state stays readable.
func TestKilledWhileRead(t *testing.T) {
	watchdog(t)
	c := start(t, "server")
	l := only(t, c.pid())
	before, killed := 0, false
	ports, _ := l.Ports()
	var said error
	for o := range ports {
		if !killed {
			killed = true
			kill(t, c)
		}
		if o.Err != nil {
			said = o.Err
			continue
		}
		if before++; field(l, "_LPCP_PORT_OBJECT", "Flags", o.Addr)&0xf != 1 {
			t.Errorf("port %#x cannot be read any more", o.Addr)
		}
	}
	want := fmt.Sprintf("process %d has ended; its memory is read as it left it", c.pid())
	if before != 3 || said == nil || said.Error() != want {
		t.Errorf("%d ports and then %v, want 3 and %q", before, said, want)
	}
	for range 2 {
		p, err := l.Process(uint64(c.pid()))
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
	has := func(c *child) bool {
		p, err := l.Process(uint64(c.pid()))
		return err == nil && p.ID == uint32(c.pid())
	}
	if !has(a) || !has(b) {
		t.Fatal("two processes do not show")
	}
	kill(t, a)
	if p, _ := l.Process(uint64(a.pid())); p.Err == nil {
		t.Error("a process that has ended is shown without a word")
	}
	if err := l.Refresh(); err != nil {
		t.Fatal(err)
	}
	if has(a) || !has(b) {
		t.Errorf("after the end of one: it shows %v, the other %v", has(a), has(b))
	}
	if n, err := l.ReadMemory(uint64(a.pid())<<40, make([]byte, 8)); n != 0 || !errors.As(err, new(*target.Absent)) {
		t.Errorf("its memory: %d bytes, %v", n, err)
	}
}

func kill(t *testing.T, c *child) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait()
}

func TestOpenOne(t *testing.T) {
	watchdog(t)
	c := start(t, "none")
	for pid, want := range map[int]string{
		c.pid(): fmt.Sprintf("process %d has no pool: it does not use lpc", c.pid()),
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
	l := only(t, c.pid())
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
	if _, err := c.in.Write([]byte("go\n")); err != nil {
		t.Fatal(err)
	}
	c.expect(t, "grown")
	if n := blocks(); n < 2000 {
		t.Errorf("%d messages after 2000 were received", n)
	}
	if want := uint64(len(only(t, c.pid()).Pools()[0].Extents)); want < 4 || field(l, "_LPC_POOL_HEADER", "Extents", uint64(c.pid())<<40|0x60) != want {
		t.Errorf("%d extents, want at least 4", want)
	}
}
