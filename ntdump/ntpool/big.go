package ntpool

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/ntdump"
)

// maxBig bounds the table of allocations of whole pages: 4 million entries of 24
// bytes, for more nonpaged pool than any machine of these builds has.
const maxBig = 4 << 20

// Big are the allocations of whole pages of a pool, by address, and where their table
// stands. The error says why it is not known: its address needs symbols.
func (r *Reader) Big(k Kind) (start, end uint64, list []Block, err error) {
	if err := r.readBig(); err != nil {
		return 0, 0, nil, err
	}
	for _, b := range r.big {
		if b.Paged == (k == Paged) && (k == Paged || k == NonPaged) {
			list = append(list, b)
		}
	}
	return r.bigAt[0], r.bigAt[1], list, nil
}

// bigIn are those that lie in a range.
func (r *Reader) bigIn(rg Range) (list []Block) {
	_ = r.readBig() // without the table their pages are told by their content
	for _, b := range r.big {
		if b.Addr < rg.End && b.Addr+b.Size > rg.Start {
			list = append(list, b)
		}
	}
	return list
}

func (r *Reader) readBig() error {
	if !r.didBig {
		r.didBig = true
		r.bigErr = r.loadBig()
	}
	return r.bigErr
}

func (r *Reader) loadBig() error {
	if r.err != nil {
		return r.err
	}
	table, ok := r.symbol("PoolBigPageTable", 0)
	count, ok2 := r.symbol("PoolBigPageTableSize", 0)
	if !ok || !ok2 {
		return errors.New("where the table of large allocations stands needs symbols (PoolBigPageTable, PoolBigPageTableSize)")
	}
	l := r.types.Layout("_POOL_TRACKER_BIG_PAGES")
	if l == nil || l.Size < 8 || l.Size > 64 {
		return fmt.Errorf("_POOL_TRACKER_BIG_PAGES is not described in %s", r.types.Source())
	}
	if count > maxBig {
		return fmt.Errorf("the table of large allocations has %d entries, expected at most %d", count, maxBig)
	}
	unit := uint64(pageBytes)
	va, err := isf.Find(r.types, l, "Va")
	key, err2 := isf.Find(r.types, l, "Key")
	pages, err3 := isf.Find(r.types, l, "NumberOfPages")
	if err3 != nil { // Windows 7 counts bytes
		unit = 1
		pages, err3 = isf.Find(r.types, l, "NumberOfBytes")
	}
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	for _, f := range []isf.Field{va, key, pages} {
		if f.Type.Size != 4 && f.Type.Size != 8 || f.Offset < 0 || f.Offset+f.Type.Size > l.Size {
			return fmt.Errorf("%s puts a member of _POOL_TRACKER_BIG_PAGES outside of it", r.types.Source())
		}
	}
	paged, _ := r.pair(Paged, "", "", ntdump.MmPagedPoolStart, ntdump.MmPagedPoolEnd)
	var list []Block
	err = r.table(table, count, l.Size, func(e []byte) bool {
		at := ntdump.Word(e[va.Offset:], va.Type.Size)
		n := ntdump.Word(e[pages.Offset:], pages.Type.Size)
		if at&1 != 0 || at == 0 || at%pageBytes != 0 || n == 0 || n > 1<<40/unit {
			return true // a free entry
		}
		n *= unit
		b := Block{Addr: at, Body: at, Size: (n + pageBytes - 1) &^ (pageBytes - 1), Allocated: true, Big: true}
		copy(b.Tag[:], e[key.Offset:])
		b.Protected = b.Tag[3]&0x80 != 0
		b.Tag[3] &^= 0x80
		b.Paged = len(paged) > 0 && at >= paged[0].Start && at < paged[0].End
		list = append(list, b)
		return true
	})
	if err != nil {
		return fmt.Errorf("reading the table of large allocations: %w", err)
	}
	slices.SortFunc(list, func(a, b Block) int { return cmp.Compare(a.Addr, b.Addr) })
	// Of two that overlap the first stays, so that a search by address holds.
	for i, b := range list {
		if n := len(r.big); i == 0 || b.Addr >= r.big[n-1].Addr+r.big[n-1].Size {
			r.big = append(r.big, b)
		}
	}
	r.bigAt = [2]uint64{table, table + count*uint64(l.Size)}
	return nil
}

// table reads the entries of a table, a piece of memory at a time. visit returns
// false to stop.
func (r *Reader) table(at, count uint64, each int, visit func(e []byte) bool) error {
	per := uint64(64 << 10 / each)
	buf := make([]byte, min(count, per)*uint64(each))
	for done := uint64(0); done < count; {
		n := min(count-done, per)
		b := buf[:n*uint64(each)]
		got, err := r.d.ReadMemory(at+done*uint64(each), b)
		for i := range got / each {
			if !visit(b[i*each : (i+1)*each]) {
				return nil
			}
		}
		if err != nil {
			return err
		}
		done += n
	}
	return nil
}
