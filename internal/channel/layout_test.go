package channel

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/seed-eedd8485/lpc/internal/golden"
)

// TestLayout holds the structs against a table that was written by hand.
func TestLayout(t *testing.T) {
	var (
		h header
		l lines
		s slot
	)
	for _, f := range []struct {
		name      string
		got, want uintptr
	}{
		{"header.Magic", unsafe.Offsetof(h.Magic), 0},
		{"header.Version", unsafe.Offsetof(h.Version), 8},
		{"header.Size", unsafe.Offsetof(h.Size), 12},
		{"header.Channel", unsafe.Offsetof(h.Channel), 16},
		{"header.Server", unsafe.Offsetof(h.Server), 24},
		{"sizeof header", unsafe.Sizeof(h), 64},
		{"caller.Sleep", unsafe.Offsetof(l.caller) + unsafe.Offsetof(l.caller.Sleep), 0},
		{"caller.Room", unsafe.Offsetof(l.caller) + unsafe.Offsetof(l.caller.Room), 4},
		{"receiver.State", unsafe.Offsetof(l.receiver) + unsafe.Offsetof(l.receiver.State), 64},
		{"progress.Head", unsafe.Offsetof(l.progress) + unsafe.Offsetof(l.progress.Head), 128},
		{"progress.Cells", unsafe.Offsetof(l.progress) + unsafe.Offsetof(l.progress.Cells), 132},
		{"replies.Tail", unsafe.Offsetof(l.replies) + unsafe.Offsetof(l.replies.Tail), 192},
		{"sizeof lines", unsafe.Sizeof(l), 256},
		{"slot.Word", unsafe.Offsetof(s.Word), 0},
		{"slot.Meta", unsafe.Offsetof(s.Meta), 8},
		{"slot.Sender", unsafe.Offsetof(s.Sender), 16},
		{"slot.Callback", unsafe.Offsetof(s.Callback), 24},
		{"slot.Data", unsafe.Offsetof(s.Data), 0x20},
		{"sizeof slot", unsafe.Sizeof(s), 0x180},
	} {
		if f.got != f.want {
			t.Errorf("%s at %#x, want %#x", f.name, f.got, f.want)
		}
	}
	for i := range 64 { // each part of a meta is its own
		if m := meta(1) << i; newMeta(m.cpu(), m.place(), m.length(), m.flags()) != m {
			t.Errorf("bit %d of a meta is lost", i)
		}
	}
	if slotStride != 0x180 || Size != 0x26000 || firstPageSlots != 5 {
		t.Errorf("slot stride %#x, size %#x, %d slots in the first page", slotStride, Size, firstPageSlots)
	}
}

// TestAreas: the parts of the channel do not overlap and lie inside it.
func TestAreas(t *testing.T) {
	type part struct {
		name     string
		from, to int
	}
	parts := []part{{"header", 0, int(unsafe.Sizeof(header{}))}}
	for name, a := range map[string]*area{"client to server": &clientToServer, "server to client": &serverToClient} {
		parts = append(parts,
			part{name + " lines", a.lines, a.lines + int(unsafe.Sizeof(lines{}))},
			part{name + " ring", a.ring, a.ring + 4*ringSize},
			part{name + " hints", a.hints, a.hints + 4*hintSize},
			part{name + " slots", a.slots, a.slots + a.nslots*slotStride},
			part{name + " cells", a.cells, a.cells + a.ncells*slotStride},
		)
		if a.nslots+a.ncells+1 > ringSize {
			t.Errorf("%s: %d slots and %d cells do not fit a ring of %d", name, a.nslots, a.ncells, ringSize)
		}
		if a.slots%128 != 0 || a.cells%128 != 0 || a.lines%64 != 0 {
			t.Errorf("%s: slots at %#x, cells at %#x, lines at %#x are not aligned", name, a.slots, a.cells, a.lines)
		}
	}
	for i, p := range parts {
		if p.from < 0 || p.to > Size {
			t.Errorf("%s at %#x to %#x is outside the channel of %#x", p.name, p.from, p.to, Size)
		}
		for _, q := range parts[:i] {
			if p.from < q.to && q.from < p.to {
				t.Errorf("%s and %s overlap", p.name, q.name)
			}
		}
	}
}

// layoutText is the generated part of PROTOCOL.md.
func layoutText() string {
	var b strings.Builder
	b.WriteString("| part | client to server | server to client | what |\n|---|---|---|---|\n")
	c, s := &clientToServer, &serverToClient
	row := func(part string, from, to int, what string) {
		fmt.Fprintf(&b, "| %s | %#x | %#x | %s |\n", part, from, to, what)
	}
	row("caller line", c.lines, s.lines, "`Sleep` +0, `Room` +4: announcements of the calling end")
	row("receiver line", c.lines+64, s.lines+64, "`State` +0: announcement of the receiving end, `Gone` +4: it has closed")
	row("progress line", c.lines+128, s.lines+128, "`Head` +0, `Cells` +4: how far the receiving end has come")
	row("replies line", c.lines+192, s.lines+192, "`Tail` +0: hints written")
	row("request ring", c.ring, s.ring, fmt.Sprintf("%d entries of 4: lap << 16, kind << 12, index", ringSize))
	row("reply ring", c.hints, s.hints, fmt.Sprintf("%d entries of 4: lap << 16, slot", hintSize))
	row("slots", c.slots, s.slots, fmt.Sprintf("%d and %d of %#x", c.nslots, s.nslots, slotStride))
	row("cells", c.cells, s.cells, fmt.Sprintf("%d and %d of %#x", c.ncells, s.ncells, slotStride))
	b.WriteString("\nThe header (64 bytes at 0: magic `LPCCHAN1`, version, size, the channel's number, the server's pid) is for debuggers; neither end reads it.\n\n")
	b.WriteString("A slot: `Word` +0 (8), processor plus one +8 (2), ring position or status +0xa (2), data length +0xc (2), flags +0xe (2), MessageId +0x10 (4), thread +0x14 (4), CallbackId +0x18 (8, see below), data +0x20 (0x130). A cell is the same without word and status. The words at +8, +0x10 and +0x18 are loaded whole, once.\n\n")
	fmt.Fprintf(&b, "Flags: %d the data is a PORT_DATA_INFORMATION, %d LPC_NO_IMPERSONATE, %d for the other end's engine; no others.\n\n", flagInfo, flagNoImpersonate, flagControl)
	fmt.Fprintf(&b, "States in a word: FREE %d, WAITING %d, DONE %d, ABANDONED %d, LOST %d, DETACHED %d. Kinds of ring entries: request %d, datagram %d, detached %d.\n",
		stFree, stWaiting, stDone, stAbandoned, stLost, stDetached, kindRequest, kindDatagram, kindDetached)
	return b.String()
}

func TestProtocolDocument(t *testing.T) {
	golden.Part{Path: "../../PROTOCOL.md", Begin: "<!-- layout: generated by go test ./internal/channel -update -->\n", End: "<!-- /layout -->"}.Compare(t, layoutText())
}
