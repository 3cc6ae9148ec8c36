package ntdump

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// What is odd about a file is told, and the rest of it is read.
func TestNotes(t *testing.T) {
	w := newWorld(dumptest.XP)
	w.Header.Status = 0xc0000001
	data := w.Dump(dumptest.Full)
	d := read(t, data[:len(data)-5*pageBytes-1])
	notes := strings.Join(d.Notes(), "\n")
	for _, want := range []string{"the dump is cut short: the file has", "the writer of the dump ended with status 0xc0000001"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes %q, want %q", notes, want)
		}
	}
	var absent *Absent
	end := uint64(0)
	for r := range d.Physical() {
		end = r.Addr + r.Size
	}
	if n, err := d.ReadPhysical(end-8, make([]byte, 8)); n != 0 || !errors.As(err, &absent) || absent.Reason != CutShort {
		t.Errorf("%d bytes behind the cut, %v", n, err)
	}
	small := w.Dump(dumptest.Triage)
	if d := read(t, small[:len(small)-1]); len(d.Notes()) == 0 || !strings.Contains(d.Notes()[0], "the dump is cut short") {
		t.Errorf("notes %q", d.Notes())
	}
	small[len(small)-1] = 'X'
	if d := read(t, small); len(d.Notes()) == 0 || !strings.Contains(d.Notes()[0], "TRGD") {
		t.Errorf("notes %q", d.Notes())
	}
}

// Lists that do not come back to their head, or leave the kernel, end with the place.
func TestLists(t *testing.T) {
	for _, c := range []struct {
		name string
		next func(w *world) uint64
		want string
	}{
		{"a cycle", func(w *world) uint64 { return w.processes[1] + w.Offset("_EPROCESS.ActiveProcessLinks") }, "does not come back to its head: after 2 entries"},
		{"user memory", func(w *world) uint64 { return 0x1000 }, "0x1000 in the one at"},
		{"absent memory", func(w *world) uint64 { return 0x90000000 }, "no memory at 0x90000000: not mapped"},
	} {
		w := newWorld(dumptest.XP)
		w.Dump(dumptest.Full)
		w.Ptr(w.processes[1]+w.Offset("_EPROCESS.ActiveProcessLinks"), c.next(w))
		d := read(t, w.Dump(dumptest.Full))
		var last Process
		n := 0
		for p := range d.Processes() {
			last = p
			n++
		}
		if last.Err == nil || !strings.Contains(last.Err.Error(), c.want) || n < 3 || n > 4 {
			t.Errorf("%s: %d processes, %v", c.name, n, last.Err)
		}
	}
}

// A list is walked to its limit and no further; the limit itself is fine.
func TestListLimit(t *testing.T) {
	w := newWorld(dumptest.XP)
	d := read(t, w.Dump(dumptest.Full))
	for limit, want := range map[int]string{3: "", 2: "has more than 2 entries"} {
		n := 0
		err := d.walkList(Space{}, d.Header().Processes, limit, func(uint64) bool { n++; return true })
		if n != limit || (err == nil) != (want == "") || err != nil && !strings.HasSuffix(err.Error(), want) {
			t.Errorf("limit %d: %d entries, %v", limit, n, err)
		}
	}
}
