package ntdump

import "iter"

// Stretch is a run of virtual addresses that is in memory as a run too, or that is
// absent for one reason.
type Stretch struct {
	Virtual  uint64
	Physical uint64 // valid when Absent is 0
	Size     uint64 // bytes, whole pages
	Absent   Reason // 0: it is in memory; whether the dump holds it, ReadPhysical tells
}

// maxStretch ends a run: who walks may stop between two.
const maxStretch = 64 << 20

// Stretches walks the addresses from from (rounded down to a page) up to to (rounded
// up), in order and without a gap. It reads each page table once, so a walk of a
// large range costs a table of 4 KiB for 512 pages or more, and a range that no table
// maps costs nothing. It may stop early; an error, that the file could not be read, is
// yielded last.
func (d *Dump) Stretches(s Space, from, to uint64) iter.Seq2[Stretch, error] {
	return func(yield func(Stretch, error) bool) {
		from &^= pageBytes - 1
		last := to - 1
		if to <= from {
			return
		}
		m := d.mode
		if m == nil {
			yield(Stretch{Virtual: from, Size: (last | (pageBytes - 1) - from) + 1, Absent: NoTables}, nil)
			return
		}
		lo, ok := m.fold(from)
		hi, ok2 := m.fold(last)
		if !ok || !ok2 || hi < lo || hi-lo != last-from {
			yield(Stretch{Virtual: from, Size: (last | (pageBytes - 1) - from) + 1, Absent: NotCanonical}, nil)
			return
		}
		w := stretchWalk{d: d, space: s, high: from - lo, yield: yield}
		if w.table(s.root(d)&m.rootMask, 0, lo, hi|(pageBytes-1)) {
			w.flush()
		}
	}
}

// stretchWalk is one walk. Its addresses are folded: high is what was taken off.
type stretchWalk struct {
	d     *Dump
	space Space
	high  uint64
	yield func(Stretch, error) bool
	run   Stretch // not yielded yet; Size 0: none
}

// table walks the entries of a table that stand for the addresses lo to hi, which it
// maps all. It returns false to stop.
func (w *stretchWalk) table(at uint64, depth int, lo, hi uint64) bool {
	m := w.d.mode
	l := m.levels[depth]
	mask := uint64(1)<<l.bits - 1
	first, last := lo>>l.shift&mask, hi>>l.shift&mask
	var buf [pageBytes]byte
	b := buf[:(last-first+1)*uint64(m.entry)]
	n, err := w.d.ReadPhysical(at+first*uint64(m.entry), b)
	if a, absent := err.(*Absent); err != nil && !absent {
		w.flush()
		w.yield(Stretch{}, err)
		return false
	} else if absent { // a table stands in one page: all of it, or nothing
		clear(b[n:])
		return w.add(Stretch{Virtual: lo, Size: hi - lo + 1, Absent: a.Reason})
	}
	span := uint64(1) << l.shift
	for i := first; i <= last; i++ {
		from := lo
		if i > first {
			from = lo&^(span-1) + (i-first)*span
		}
		to := min(from|(span-1), hi)
		if !w.entry(Word(b[(i-first)*uint64(m.entry):], m.entry), depth, from, to) {
			return false
		}
	}
	return true
}

// entry walks what an entry stands for.
func (w *stretchWalk) entry(v uint64, depth int, lo, hi uint64) bool {
	m := w.d.mode
	l := m.levels[depth]
	e := m.decode(v)
	run := Stretch{Virtual: lo, Size: hi - lo + 1}
	switch large := l.large && e.state == Valid && v&largeBit != 0; {
	case e.state == InPrototype && l.shift == 12:
		t, err := w.d.Translate(w.space, lo+w.high)
		if err != nil {
			w.flush()
			w.yield(Stretch{}, err)
			return false
		}
		if run.Physical = t.Physical; t.Absent != nil {
			run.Absent = t.Absent.Reason
		}
	case e.state != Valid && e.state != InTransition:
		run.Absent = e.state.reason()
	case large:
		run.Physical = m.largeBase(v, l.shift) + lo&(1<<l.shift-1)
	case l.shift == 12:
		run.Physical = e.pfn * pageBytes
	default:
		return w.table(e.pfn*pageBytes, depth+1, lo, hi)
	}
	return w.add(run)
}

// add joins a run to the one before, or yields that and begins anew.
func (w *stretchWalk) add(r Stretch) bool {
	p := &w.run
	joins := p.Size > 0 && p.Virtual+p.Size == r.Virtual && p.Absent == r.Absent && (r.Absent != 0 || p.Physical+p.Size == r.Physical)
	if joins && (p.Size < maxStretch || r.Absent != 0) {
		p.Size += r.Size
		return p.Size < maxStretch || w.flush()
	}
	if !w.flush() {
		return false
	}
	w.run = r
	return true
}

func (w *stretchWalk) flush() bool {
	r := w.run
	if w.run = (Stretch{}); r.Size == 0 {
		return true
	}
	r.Virtual += w.high
	return w.yield(r, nil)
}
