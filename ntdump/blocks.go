package ntdump

import (
	"cmp"
	"slices"
	"sort"
)

// block is a stretch of memory of a small dump.
type block struct {
	va   uint64
	off  int64 // in the file
	size uint64
}

// blocks is the memory of a small dump by virtual address. After settle it is
// immutable, in order, and without overlaps.
type blocks struct {
	list  []block
	cut   int   // blocks that the file does not hold whole
	total int64 // bytes of all
}

// maxAlias bounds how often the same bytes of a file may stand for memory: a whole
// dump holds each once or twice, and what searches memory must end.
const maxAlias = 4

// add notes a block. What lies behind the file's end is left out, and so is what
// would run over the end of the addresses. Unused entries (size 0, or the filler)
// are none.
func (b *blocks) add(va uint64, off, size int64, d *Dump) {
	if size <= 0 || off <= 0 || off == filler32 || size == filler32 || va == 0 || va == filler64 {
		return
	}
	if off+size > d.size {
		b.cut++
		size = d.size - off
	}
	if size <= 0 || va+uint64(size) < va {
		return
	}
	if b.total+size > maxAlias*d.size {
		b.cut++
		return
	}
	b.total += size
	b.list = append(b.list, block{va, off, uint64(size)})
}

// settle puts the blocks in order. Where two overlap, the one that starts lower
// keeps its bytes; both were copied from the same memory at the same moment.
func (b *blocks) settle() {
	slices.SortStableFunc(b.list, func(x, y block) int {
		return cmp.Or(cmp.Compare(x.va, y.va), cmp.Compare(y.size, x.size))
	})
	kept := b.list[:0]
	end := uint64(0)
	for _, x := range b.list {
		if x.va < end {
			over := end - x.va
			if over >= x.size {
				continue
			}
			x.va, x.off, x.size = end, x.off+int64(over), x.size-over
		}
		end = x.va + x.size
		kept = append(kept, x)
	}
	b.list = kept
}

// at returns the block that holds va.
func (b *blocks) at(va uint64) (block, bool) {
	i := sort.Search(len(b.list), func(i int) bool { return b.list[i].va+b.list[i].size > va })
	if i == len(b.list) || b.list[i].va > va {
		return block{}, false
	}
	return b.list[i], true
}

// readBlocks is ReadVirtual of a small dump.
func (d *Dump) readBlocks(va uint64, dst []byte) (n int, err error) {
	if d.header.Bits == 32 && va>>31 == 1<<33-1 {
		va &= 0xffffffff // KDBG holds addresses with their sign extended
	}
	for n < len(dst) {
		at := va + uint64(n)
		b, ok := d.blocks.at(at)
		if !ok || at < va {
			return n, &Absent{at, false, NotInDump}
		}
		part := min(uint64(len(dst)-n), b.va+b.size-at)
		got, err := d.readFile(b.off+int64(at-b.va), dst[n:n+int(part)])
		n += got
		if err != nil {
			return n, err
		}
		if uint64(got) < part {
			return n, &Absent{at + uint64(got), false, CutShort}
		}
	}
	return n, nil
}

// Virtual is the memory of a small dump, in order, in stretches that do not
// overlap; nil for other dumps. The slice is the caller's.
func (d *Dump) Virtual() []Range {
	if d.blocks == nil {
		return nil
	}
	var out []Range
	for _, b := range d.blocks.list {
		if n := len(out); n > 0 && out[n-1].Addr+out[n-1].Size == b.va {
			out[n-1].Size += b.size
			continue
		}
		out = append(out, Range{b.va, b.size})
	}
	return out
}
