package ntpool

import (
	"encoding/binary"
	"sort"
	"sync"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// A cutter looks at pages for a scan. Each goroutine has its own.
type cutter struct {
	r     *Reader
	rg    Range
	big   []Block
	match func([4]byte) bool
	ask   *sync.Mutex // held for match
	sweep *ntdump.Sweep

	c    chain
	page [pageBytes]byte       // a copy: what is checked in it holds when it is used
	memo [1 << memoBits]uint64 // what match said of tags: pools have few, and many blocks of each
	kept []Block
	gaps gaps
	near int  // in big: the first one that ends behind the last page looked up
	sum  byte // of what was read ahead, so that it is read
}

const memoBits = 10

// What match said of a tag, above the tag's bits.
const (
	unwanted = 1 << 32
	taken    = 2 << 32
)

// places reads pages, and looks at their blocks.
func (c *cutter) places(w []place) error {
	var b []byte // memory from the next page on
	dense := true
	for i, p := range w {
		for p.pages() > 0 {
			if len(b) == 0 {
				got, err := c.sweep.Physical(p.physical(), adjacent(p, w[i+1:]))
				if a, absent := err.(*ntdump.Absent); absent {
					c.gaps.add(p.virtual, 1, a.Reason.String())
					p = p.skip(1)
					continue
				}
				if err != nil {
					return err
				}
				b = got
				c.ahead((*[pageBytes]byte)(b), 0)
			}
			page := (*[pageBytes]byte)(b)
			next := page
			if dense && len(b) > pageBytes {
				next = (*[pageBytes]byte)(b[pageBytes:])
			}
			if len(c.big) == 0 || !c.inBig(p.virtual) {
				closed, nothing, done := c.look(page, next)
				if dense = closed; dense && next != page {
					c.ahead(next, done)
				}
				if !nothing {
					c.cut(p.virtual, page)
				}
			}
			b, p = b[pageBytes:], p.skip(1)
		}
	}
	return nil
}

// Each block of a page says where the next one is, so a page that is not in the cache
// costs a miss for each, one behind the other. Therefore the lines of the next page are
// read meanwhile, which the processor does for many at once: some at each block, by
// look, the others behind it. Where a page is none of blocks, one line of it is enough,
// and the next one is left alone.
const (
	line  = 64
	lines = 2 * line // of the next page for each block
)

// ahead reads a byte of each line of a page from an offset on.
func (c *cutter) ahead(page *[pageBytes]byte, from uint64) {
	x, y := byte(0), byte(0)
	for i := from; i < pageBytes; i += lines {
		x += page[i]
		y += page[(i+line)%pageBytes]
	}
	c.sum += x + y
}

// inBig says whether a page belongs to an allocation of whole pages.
func (c *cutter) inBig(va uint64) bool {
	i := c.near
	if i > 0 && va < c.big[i-1].Addr+c.big[i-1].Size || i < len(c.big) && va >= c.big[i].Addr+c.big[i].Size {
		i = sort.Search(len(c.big), func(i int) bool { return c.big[i].Addr+c.big[i].Size > va })
		c.near = i
	}
	return i < len(c.big) && c.big[i].Addr <= va
}

// look says whether the blocks of a page close, as far as it looked, and whether there
// is nothing in it for cut: nothing that match takes, and nothing to be counted. It reads
// ahead in next up to done.
func (c *cutter) look(page, next *[pageBytes]byte) (closed, nothing bool, done uint64) {
	q := c.r.l.quick
	if c.match == nil || c.rg.Kind == Special || !q.ok {
		return true, false, 0
	}
	closed, nothing = true, true
	previous, sum := uint64(0), byte(0)
	off := uint64(0)
	for off < pageBytes {
		w := binary.LittleEndian.Uint64(page[off:])
		size := w >> (q.shift & 63) & q.size
		if w&q.previous != previous || size == 0 {
			off = pageBytes + 1
			break
		}
		if *c.note(uint32(w >> 32)) != w>>32|unwanted {
			nothing = false
			break
		}
		sum += next[done%pageBytes] + next[(done+line)%pageBytes]
		done += lines
		previous = size >> (q.unit & 63)
		off += size
	}
	c.sum += sum
	if off > pageBytes {
		closed, nothing = false, c.rg.Loose
	}
	return closed, nothing, done
}

// note is where what match said of a tag stands, or of another tag.
func (c *cutter) note(tag uint32) *uint64 { return &c.memo[tag*0x9e3779b1>>(32-memoBits)] }

// wanted is match, asked once for each tag.
func (c *cutter) wanted(tag uint32) bool {
	m := c.note(tag)
	switch *m {
	case uint64(tag) | taken:
		return true
	case uint64(tag) | unwanted:
		return false
	}
	var t [4]byte
	binary.LittleEndian.PutUint32(t[:], tag&^(1<<31))
	c.ask.Lock()
	defer c.ask.Unlock()
	if c.match(t) {
		*m = uint64(tag) | taken
		return true
	}
	*m = uint64(tag) | unwanted
	return false
}

// cut keeps the blocks of a page, or counts it where it is none of blocks.
func (c *cutter) cut(va uint64, page *[pageBytes]byte) {
	c.page = *page
	b := c.page[:]
	switch {
	case c.rg.Kind == Special:
		c.special(va, b)
	case !c.r.l.cut(b, &c.c):
		if !c.rg.Loose {
			c.gaps.add(va, 1, whyChain)
		}
	case c.rg.Loose && !c.ours(b):
	default:
		c.keep(va, b)
	}
}

// ours says of a page whose blocks close whether they are of the range's pool: each
// allocated one says so, and there is one at least or the page is all free.
func (c *cutter) ours(b []byte) bool {
	l := c.r.l
	for i := range c.c.n {
		ty := l.ty.of(uint32(ntdump.Word(b[c.c.at[i]:], 4)))
		if ty != 0 && l.isPaged(ty) != (c.rg.Kind == Paged) {
			return false
		}
	}
	return true
}

// keep keeps the blocks of a page that match takes.
func (c *cutter) keep(va uint64, b []byte) {
	l := c.r.l
	for _, at := range c.c.at[:c.c.n] {
		if c.match == nil || c.wanted(binary.LittleEndian.Uint32(b[int(at)+l.tag:])) {
			c.kept = append(c.kept, c.r.finish(l.block(b, int(at), va)))
		}
	}
}

// finish leaves out who is charged where the kernel encodes that.
func (r *Reader) finish(b Block) Block {
	if r.d.Header().Build >= win8 {
		b.Billed = 0
	}
	return b
}
