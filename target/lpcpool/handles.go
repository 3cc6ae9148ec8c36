package lpcpool

import (
	"fmt"
	"iter"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/target"
)

// Handles is target.System's: the entries of a process's handle tables in order,
// free ones too. A handle is its entry's index times 4; index 0 is none.
func (v *View) Handles(process uint64) iter.Seq[target.Handle] {
	return func(yield func(target.Handle) bool) {
		for p := range v.of(process) {
			if !p.handles(yield) {
				return
			}
		}
	}
}

func (p *poolState) handles(yield func(target.Handle) bool) bool {
	fail := func(at uint64, format string, a ...any) bool {
		return yield(target.Handle{Process: p.address(headerBody), Entry: at, Err: fmt.Errorf(format, a...)})
	}
	if err := p.src.Process.Err; err != nil {
		return yield(target.Handle{Process: p.address(headerBody), Err: err})
	}
	at, ok := p.header().u64("HandleTable")
	if !ok {
		return fail(0, "the pool's header cannot be read, so its handle table is not known")
	}
	// A table is a block, so no chain is longer than there are blocks; each begins
	// where the one in front of it ends, so none can turn back.
	first := uint64(0)
	for range p.mostBlocks() {
		if at == 0 {
			return true
		}
		if at>>poolShift != uint64(p.src.Number) {
			return fail(at, "the handle table's next part is said to be at %#x, which is not in the pool", at)
		}
		if off := at & offsetMask; off < headerBody {
			return fail(at, "no block begins in front of the handle table at %#x", at)
		} else if h, ok := p.blockAt(off - blockHeader); !ok || h.tag != pool.TagHandle || h.state != pool.BlockAllocated {
			return fail(at, "no block with tag %s at %#x, where the handle table is said to be", pool.TagHandle, at)
		}
		r := p.record("_HANDLE_TABLE", at)
		next, ok1 := r.u64("Next")
		begin, ok2 := r.u64("First")
		if !ok1 || !ok2 || !r.whole() {
			return fail(at, "the handle table at %#x is not described, or not there", at)
		}
		if begin != first {
			return fail(at, "the handle table at %#x begins with entry %d, expected %d", at, begin, first)
		}
		n, more := p.entries(r, first, yield)
		if !more {
			return false
		}
		if n == 0 {
			return fail(at, "the entries of the handle table at %#x are not described", at)
		}
		first += uint64(n)
		at = next
	}
	return fail(at, "the chain of handle tables is longer than the pool has blocks")
}

// entries yields the entries of one table; n is how many it has.
func (p *poolState) entries(r record, first uint64, yield func(target.Handle) bool) (n int, more bool) {
	_, t := r.field("Entries")
	f := r.l.Field("Entries")
	if t == nil || t.Kind != isf.Array || t.Elem == nil || t.Elem.Kind != isf.Struct {
		return 0, true
	}
	each := size(r.types, t.Elem)
	entry := record{types: r.types, l: r.types.Layout(t.Elem.Name)}
	for i := range t.Count {
		off := f.Offset + i*each
		entry.addr, entry.b = r.addr+uint64(off), r.b[off:off+each]
		if first+uint64(i) == 0 {
			continue
		}
		h := target.Handle{Value: (first + uint64(i)) * 4, Entry: entry.addr, Process: p.address(headerBody)}
		object, ok1 := entry.u64("Object")
		access, ok2 := entry.u64("GrantedAccess")
		if h.Object, h.Access = object, uint32(access); !ok1 || !ok2 {
			h.Err = errNotDescribed
		}
		if !yield(h) {
			return t.Count, false
		}
	}
	return t.Count, true
}
