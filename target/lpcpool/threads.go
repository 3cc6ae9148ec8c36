package lpcpool

import (
	"errors"
	"iter"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target"
)

// Threads is target.System's: the thread records of a process. A process that
// cannot be read, and a part of a pool that cannot, is yielded with Err.
func (v *View) Threads(process uint64) iter.Seq[target.Thread] {
	return func(yield func(target.Thread) bool) {
		for p := range v.of(process) {
			if !p.threads(yield) {
				return
			}
		}
	}
}

func (p *poolState) threads(yield func(target.Thread) bool) bool {
	t := target.Thread{Process: p.address(headerBody)}
	if err := p.src.Process.Err; err != nil {
		t.Err = err
		return yield(t)
	}
	id := p.layout("_ETHREAD")
	for f := range p.tagged(pool.TagThread) {
		t.Addr, t.ID, t.Err = f.body(), 0, f.err
		if f.err != nil {
			t.Addr = f.addr()
		} else if n, ok := id.of(f).u64("Cid.UniqueThread"); ok {
			t.ID = n
		} else {
			t.Err = errNotDescribed
		}
		if !yield(t) {
			return false
		}
	}
	return true
}

var errNotDescribed = errors.New("the record is shorter than the type description says, or not described")

// layout is a record type of the pool, to be laid over blocks of the walk.
func (p *poolState) layout(name string) record {
	t := p.description()
	r := record{types: t, l: t.Layout(name)}
	if r.l != nil && (r.l.Size <= 0 || r.l.Size > maxRecord) {
		r.l = nil
	}
	return r
}

// of lays the record type over a block.
func (r record) of(f *found) record {
	r.addr, r.b = f.body(), nil
	if r.l != nil {
		r.b = f.bytes(r.l.Size)
	}
	return r
}
