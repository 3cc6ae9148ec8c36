package lpcpool

import (
	"slices"

	"github.com/seed-eedd8485/lpc/internal/pool"
)

// extent is one extent of a pool and what was learned of it.
type extent struct {
	src   Bytes
	index uint32
	tail  uint64 // as last read; it only grows
	whole bool   // the extent's header was, so tail counts
	found uint64 // where the last whole block ended, if not; 0: not looked for
	solid uint64 // bit i: something was written to page i; it stays so
	buf   []byte // for read, kept
}

const (
	neverUsed = "never used"
	zeroPage  = "a page of zeros in no block: not dumped, or erased"
)

func newExtent(index uint32, src Bytes) *extent {
	e := &extent{src: src, index: index}
	e.look()
	return e
}

// look reads the extent's header.
func (e *extent) look() {
	var b [extentHeader]byte
	if n, _ := e.src.ReadAt(b[:], 0); n < len(b) {
		return
	}
	if h, ok := parseExtent(b[:]); ok {
		e.whole, e.tail = true, max(e.tail, h.tail)
	}
}

// used is where the used bytes end, as far as a reader up to end must know. An
// extent whose header is damaged counts as used to its last whole block.
func (e *extent) used(end uint64) uint64 {
	if end > e.tail {
		e.look()
	}
	if e.whole {
		return e.tail
	}
	if e.found == 0 {
		e.found = e.image().tail
	}
	return e.found
}

// read fills dst with bytes at off. n < len(dst): why the next one is not there.
// dst behind n is left alone. off+len(dst) is within the extent.
func (e *extent) read(dst []byte, off uint64) (n int, why string) {
	end := off + uint64(len(dst))
	if off < extentHeader && !e.whole {
		e.look() // nothing: the header itself is read as it stands
	}
	if u := max(e.used(end), extentHeader); end > u {
		end, why = max(u, off), neverUsed
	}
	buf := e.scratch(int(end - off))
	n, short := e.src.ReadAt(buf, off)
	if n < len(buf) {
		if why = short; why == "" {
			why = "not readable"
		}
	}
	var im *image
	for at := off; at < off+uint64(n); {
		next := min(at&^(pageSize-1)+pageSize, off+uint64(n))
		if zero(buf[at-off:next-off]) && e.emptyPage(at&^(pageSize-1)) {
			if im == nil {
				im = e.image()
			}
			if c := im.covered(at); c < next {
				n, why = int(max(c, at)-off), zeroPage
				break
			}
		}
		at = next
	}
	copy(dst, buf[:n])
	return n, why
}

// scratch is memory for n bytes, until the next call.
func (e *extent) scratch(n int) []byte {
	const kept = 4 * pageSize // bytes that an extent holds on to
	if n > kept {
		return make([]byte, n)
	}
	e.buf = slices.Grow(e.buf[:0], n)
	return e.buf[:n]
}

// emptyPage tells whether nothing was ever written to a page, as far as its source
// can tell.
func (e *extent) emptyPage(page uint64) bool {
	bit := uint64(1) << (page / pageSize)
	if e.solid&bit != 0 {
		return false
	}
	if e.src.Hole(page) {
		var b [pageSize]byte
		if n, _ := e.src.ReadAt(b[:], page); zero(b[:n]) {
			return true
		}
	}
	e.solid |= bit
	return false
}

func zero(b []byte) bool {
	for len(b) >= 8 {
		if le.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// image is a copy of an extent at one moment, cut into blocks.
type image struct {
	b      []byte   // pool.ExtentSize bytes
	there  uint64   // bit i: page i was read
	why    string   // why the first page that was not, was not
	whole  bool     // the extent's header is
	tail   uint64   // end of the used bytes
	blocks []uint32 // offsets of whole headers, ascending
	gaps   []gap    // ranges in front of tail without whole headers, ascending
}

type gap struct{ start, end uint32 }

// image reads the extent and cuts it. Blocks that are being made as it is read
// show as gaps, so an extent that has gaps is read a few times.
func (e *extent) image() *image { return e.imageInto(&image{}) }

// imageInto is image in the memory of another one, which is lost.
func (e *extent) imageInto(im *image) *image {
	e.loadInto(im)
	for try := 0; len(im.gaps) > 0 && try < retries; try++ {
		again := e.load()
		if len(again.gaps) >= len(im.gaps) && again.tail == im.tail {
			break // it stands still
		}
		im = again
	}
	return im
}

// retries is how often bytes that changed while they were read are read again.
const retries = 8

func (e *extent) load() *image {
	im := &image{}
	e.loadInto(im)
	return im
}

func (e *extent) loadInto(im *image) {
	*im = image{b: im.b, blocks: im.blocks[:0], gaps: im.gaps[:0]}
	if im.b == nil {
		im.b = make([]byte, pool.ExtentSize)
	}
	for off := uint64(0); off < pool.ExtentSize; {
		n, why := e.src.ReadAt(im.b[off:], off)
		im.there |= pageBits(off, off+uint64(n))
		if off += uint64(n); off == pool.ExtentSize {
			break
		}
		if im.why == "" {
			im.why = why
		}
		next := off&^(pageSize-1) + pageSize
		clear(im.b[off:next])
		off = next
	}
	im.tail = pool.ExtentSize
	if h, ok := parseExtent(im.b); ok {
		im.whole, im.tail = true, h.tail
		im.cut()
		return
	}
	im.cut()
	im.tail = extentHeader
	if n := len(im.blocks); n > 0 {
		last := uint64(im.blocks[n-1])
		h, _ := parseBlock(im.b[last:], pool.ExtentSize-last)
		im.tail = last + uint64(h.size)
	}
	if im.there>>(im.tail/pageSize) != ^uint64(0)>>(im.tail/pageSize) {
		im.tail = pool.ExtentSize // what cannot be read may have been used
	}
	for len(im.gaps) > 0 && uint64(im.gaps[len(im.gaps)-1].end) > im.tail {
		im.gaps = im.gaps[:len(im.gaps)-1]
	}
}

// pageBits are the pages that lie in start to end whole.
func pageBits(start, end uint64) uint64 {
	first, last := (start+pageSize-1)/pageSize, end/pageSize
	if last <= first {
		return 0
	}
	return (^uint64(0) >> (64 - (last - first))) << first
}

// cut finds the blocks: each begins where the one in front of it ends. Where no
// whole header stands the walk goes on at the next one, 64 bytes on or more.
func (im *image) cut() {
	for off := uint64(extentHeader); off < im.tail; {
		h, ok := parseBlock(im.b[off:], im.tail-off)
		if ok {
			im.blocks = append(im.blocks, uint32(off))
			off += uint64(h.size)
			continue
		}
		if n := len(im.gaps); n > 0 && uint64(im.gaps[n-1].end) == off {
			im.gaps[n-1].end += blockAlign
		} else {
			im.gaps = append(im.gaps, gap{uint32(off), uint32(off + blockAlign)})
		}
		off += blockAlign
	}
}

// block is the block with its header at off, which is one of im.blocks.
func (im *image) block(off uint32) blockHead {
	h, _ := parseBlock(im.b[off:], pool.ExtentSize-uint64(off))
	return h
}

// covering is the index of the block that holds off, -1 when none does.
func (im *image) covering(off uint64) int {
	lo, hi := 0, len(im.blocks)
	for lo < hi {
		if mid := (lo + hi) / 2; uint64(im.blocks[mid]) <= off {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return -1
	}
	at := uint64(im.blocks[lo-1])
	if off >= at+uint64(im.block(uint32(at)).size) {
		return -1
	}
	return lo - 1
}

// covered is the end of the run of blocks that begins at or in front of off and
// reaches over it; off itself when none does.
func (im *image) covered(off uint64) uint64 {
	i := im.covering(off)
	if i < 0 {
		return off
	}
	end := uint64(im.blocks[i])
	for ; i < len(im.blocks) && uint64(im.blocks[i]) == end; i++ {
		end += uint64(im.block(im.blocks[i]).size)
	}
	return end
}
