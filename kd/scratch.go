package kd

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/target"
)

// A scratch is bytes that commands have laid over the target's memory, in this
// session alone: the target is never written. Reads through Session.readMemory (the
// d family, u, ur, .writemem, !mbr) see it; commands that look at objects do not.
type scratch struct {
	pieces []piece // ascending, none over another
}

// piece is one stretch of scratch.
type piece struct {
	addr uint64
	data []byte // not empty; addr+len(data) does not wrap
	from string // what it was read from, cleaned
}

func (p piece) end() uint64 { return p.addr + uint64(len(p.data)) } // 0: the end of 64 bits

// maxScratch bounds what a session holds, in bytes.
const maxScratch = 16 << 20

// lay puts data, which becomes the scratch's, at addr, over what is there.
func (s *scratch) lay(addr uint64, data []byte, from string) error {
	if len(data) == 0 {
		return nil
	}
	fresh := piece{addr, data, from}
	last := addr + uint64(len(data)) - 1
	if last < addr {
		return fmt.Errorf("%#x bytes at %#x reach behind the last address", len(data), addr)
	}
	kept, total := []piece{fresh}, len(data)
	for _, p := range s.pieces {
		if p.addr < addr {
			left := p
			left.data = p.data[:min(uint64(len(p.data)), addr-p.addr)]
			kept, total = append(kept, left), total+len(left.data)
		}
		if pLast := p.end() - 1; pLast > last {
			right := p
			right.addr = max(p.addr, last+1)
			right.data = p.data[right.addr-p.addr:]
			kept, total = append(kept, right), total+len(right.data)
		}
	}
	if total > maxScratch {
		return fmt.Errorf("%#x bytes of scratch, the limit is %#x; .scratch clear lets go of all", total, maxScratch)
	}
	slices.SortFunc(kept, func(a, b piece) int {
		if a.addr < b.addr {
			return -1
		}
		return 1
	})
	s.pieces = kept
	return nil
}

// at returns the scratch from addr on, empty where there is none, and how many bytes
// there are in front of the next piece then: 0 for no next one.
func (s *scratch) at(addr uint64) (data []byte, gap uint64) {
	for _, p := range s.pieces {
		switch {
		case p.addr > addr:
			return nil, p.addr - addr
		case p.end()-1 >= addr:
			return p.data[addr-p.addr:], 0
		}
	}
	return nil, 0
}

// readMemory is the target's ReadMemory with the scratch laid over it.
func (s *Session) readMemory(addr uint64, dst []byte) (n int, err error) {
	for n < len(dst) {
		at := addr + uint64(n)
		if at < addr {
			return n, &target.Absent{Addr: at, Why: "it is behind the last address"}
		}
		data, gap := s.scratch.at(at)
		if len(data) > 0 {
			n += copy(dst[n:], data)
			continue
		}
		want := dst[n:]
		if gap > 0 && gap < uint64(len(want)) {
			want = want[:gap]
		}
		got, err := s.Target.ReadMemory(at, want)
		got = min(max(got, 0), len(want))
		n += got
		if got < len(want) {
			if err == nil {
				err = &target.Absent{Addr: at + uint64(got), Why: "the target gave no reason"}
			}
			return n, err
		}
	}
	return n, nil
}

var cmdScratch = Command{
	Name: ".scratch", Args: "[clear]",
	Short: "List what was laid over the target's memory, or let go of it.",
	Long: `.readmem and .readdisk lay bytes over the target's memory for this session: the target itself is never
written. db, dd, dq, dps, u, ur, .writemem and !mbr see them; commands that look at objects (dt, !lpc,
!thread) see the target alone.`,
}

func init() {
	cmdScratch.Run = func(_ context.Context, s *Session, o *Out, args []string) error {
		switch {
		case len(args) > 1 || len(args) == 1 && args[0] != "clear":
			return fmt.Errorf("%s is not understood; usage: .scratch [clear]", escape.Text(args[len(args)-1]))
		case len(args) == 1:
			s.scratch = scratch{}
			o.Printf("No scratch is laid\n")
			return nil
		case len(s.scratch.pieces) == 0:
			o.Printf("No scratch is laid\n")
		}
		for _, p := range s.scratch.pieces {
			o.Printf("%s L%x  from %s\n", s.long(p.addr), len(p.data), p.from)
		}
		return nil
	}
}
