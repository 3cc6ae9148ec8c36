package ntpool

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"sort"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// piece is how much is read at a time: it stays in the second-level cache until its
// blocks were looked at.
const piece = 256 << 10

// Gap is what of a range was not read as blocks.
type Gap struct {
	Addr  uint64 // of the first such page
	Pages uint64
	Why   string
}

// Error is a sentence.
func (g *Gap) Error() string {
	if g.Pages == 1 {
		return fmt.Sprintf("the page at %#x: %s", g.Addr, g.Why)
	}
	return fmt.Sprintf("%d pages, the first at %#x: %s", g.Pages, g.Addr, g.Why)
}

// Blocks are the blocks of a range, in order, without those of whole pages: all, or
// those whose tag match takes. Behind them comes a *Gap for each reason why pages
// could not be read as blocks; pages that nothing maps are none. It may stop early;
// an error of the file, and the end of ctx, come last.
func (r *Reader) Blocks(ctx context.Context, rg Range, match func(tag [4]byte) bool) iter.Seq2[Block, error] {
	return func(yield func(Block, error) bool) {
		if r.err != nil {
			yield(Block{}, r.err)
			return
		}
		s := scan{r: r, rg: rg, match: match, yield: yield, gaps: map[string]Gap{}}
		if rg.Kind != Special {
			s.big = r.bigIn(rg)
		}
		if r.buf == nil {
			r.buf = make([]byte, piece)
		}
		for st, err := range r.d.Stretches(rg.Space, rg.Start, rg.End) {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				err = s.stretch(ctx, st)
			}
			if err != nil {
				yield(Block{}, err)
				return
			}
			if s.done {
				return
			}
		}
		if err := s.flush(ctx, s.window); err != nil {
			yield(Block{}, err)
			return
		}
		if s.done {
			return
		}
		for _, why := range s.order {
			g := s.gaps[why]
			if !yield(Block{}, &g) {
				return
			}
		}
	}
}

// scan is one walk of a range.
type scan struct {
	r     *Reader
	rg    Range
	match func([4]byte) bool
	yield func(Block, error) bool
	big   []Block // allocations of whole pages in the range, by address
	c     chain
	memo  [256]struct { // what match said of tags: pools have few, and many blocks of each
		tag       uint32
		known, ok bool
	}

	window []place // pages that wait to be read in the order of the file (window.go)
	keep   bool    // blocks go to kept, not to yield
	kept   []Block
	gaps   map[string]Gap
	order  []string
	done   bool
}

const (
	whyChain = "its blocks do not close"
	whyOther = "it is of another use"
)

// maxReasons bounds the reasons that are told apart.
const maxReasons = 64

func (s *scan) gap(at, pages uint64, why string) {
	if g, ok := s.gaps[why]; ok {
		s.gaps[why] = Gap{min(g.Addr, at), g.Pages + pages, why}
		return
	}
	if len(s.gaps) < maxReasons {
		s.gaps[why] = Gap{Addr: at, Pages: pages, Why: why}
		s.order = append(s.order, why)
	}
}

// stretch reads what is in memory of a stretch, now or with others.
func (s *scan) stretch(ctx context.Context, st ntdump.Stretch) error {
	switch st.Absent {
	case 0:
	case ntdump.NotMapped:
		return nil // no page of the pool was ever there
	default:
		s.gap(st.Virtual, st.Size/pageBytes, st.Absent.String())
		return nil
	}
	if st.Size < together {
		return s.wait(ctx, st)
	}
	if err := s.flush(ctx, s.window); err != nil { // what comes first is shown first
		return err
	}
	return s.read(ctx, st)
}

// read reads a stretch that is in memory, and cuts its pages.
func (s *scan) read(ctx context.Context, st ntdump.Stretch) error {
	for off := uint64(0); off < st.Size && !s.done; {
		if off%maxUnasked == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		b := s.r.buf[:min(piece, st.Size-off)]
		n, err := s.r.d.ReadPhysical(st.Physical+off, b)
		a, absent := err.(*ntdump.Absent)
		if err != nil && !absent {
			return err
		}
		n &^= pageBytes - 1
		s.pages(st.Virtual+off, b[:n])
		off += uint64(n)
		if n < len(b) {
			why := ntdump.NotInDump
			if absent {
				why = a.Reason
			}
			s.gap(st.Virtual+off, 1, why.String())
			off += pageBytes
		}
	}
	return nil
}

// maxUnasked is how many bytes are read without a look at the context.
const maxUnasked = 16 * piece

func (s *scan) pages(va uint64, b []byte) {
	for ; len(b) > 0 && !s.done; b, va = b[pageBytes:], va+pageBytes {
		if len(s.big) > 0 && s.inBig(va) {
			continue
		}
		switch {
		case s.rg.Kind == Special:
			s.special(va, b[:pageBytes])
		case !s.r.l.cut(b, &s.c):
			if !s.rg.Loose {
				s.gap(va, 1, whyChain)
			}
		case s.rg.Loose && !s.ours(b):
		default:
			s.emit(va, b[:pageBytes])
		}
	}
}

// inBig says whether a page belongs to an allocation of whole pages.
func (s *scan) inBig(va uint64) bool {
	i := sort.Search(len(s.big), func(i int) bool { return s.big[i].Addr+s.big[i].Size > va })
	return i < len(s.big) && s.big[i].Addr <= va
}

// ours says of a page whose blocks close whether they are of the range's pool: each
// allocated one says so, and there is one at least or the page is all free.
func (s *scan) ours(b []byte) bool {
	l := s.r.l
	for i := range s.c.n {
		ty := l.ty.of(uint32(ntdump.Word(b[s.c.at[i]:], 4)))
		if ty != 0 && l.isPaged(ty) != (s.rg.Kind == Paged) {
			return false
		}
	}
	return true
}

// wanted is match, asked once for each tag.
func (s *scan) wanted(tag uint32) bool {
	m := &s.memo[tag*0x9e3779b1>>24]
	if m.tag != tag || !m.known {
		var t [4]byte
		binary.LittleEndian.PutUint32(t[:], tag&^(1<<31))
		m.tag, m.known, m.ok = tag, true, s.match(t)
	}
	return m.ok
}

// emit yields the blocks of a page.
func (s *scan) emit(va uint64, b []byte) {
	l := s.r.l
	for _, at := range s.c.at[:s.c.n] {
		if s.match != nil && !s.wanted(binary.LittleEndian.Uint32(b[int(at)+l.tag:])) {
			continue
		}
		if s.show(l.block(b, int(at), va)); s.done {
			return
		}
	}
}

// special yields the one block of a page of special pool: its header stands at the
// page's start when the data end with the page, else at its end (as ReactOS' special
// pool has it).
func (s *scan) special(va uint64, b []byte) {
	l := s.r.l
	for _, off := range []int{0, pageBytes - l.header} {
		w := uint32(ntdump.Word(b[off:], 4))
		n := int(w & 0x1fff) // bytes asked for; 8000h says paged
		if n == 0 || n > pageBytes-l.header || w&0x6000 != 0 || !plausible(b[off+l.tag:]) {
			continue
		}
		body := pageBytes - n
		if off > 0 {
			body = 0
		}
		x := Block{Addr: va + uint64(off), Body: va + uint64(body&^(l.header-1)), Size: uint64(n + l.header), Allocated: true, Paged: w&0x8000 != 0}
		copy(x.Tag[:], b[off+l.tag:])
		x.Protected = x.Tag[3]&0x80 != 0
		x.Tag[3] &^= 0x80
		if s.match == nil || s.match(x.Tag) {
			s.show(x)
		}
		return
	}
	s.gap(va, 1, "it has no header of special pool")
}

// show yields a block, or keeps it until those in front of it were read.
func (s *scan) show(b Block) {
	b = s.r.finish(b)
	if s.keep {
		s.kept = append(s.kept, b)
		return
	}
	s.done = !s.yield(b, nil)
}

// finish leaves out who is charged where the kernel encodes that.
func (r *Reader) finish(b Block) Block {
	if r.d.Header().Build >= win8 {
		b.Billed = 0
	}
	return b
}

// plausible says whether four bytes can be a tag: printable, but for the bit that
// protects it, and for zeros at the end.
func plausible(t []byte) bool {
	if t[0] < ' ' || t[0] > '~' {
		return false
	}
	for i, c := range t[1:4] {
		if i == 2 {
			c &^= 0x80
		}
		if c != 0 && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}
