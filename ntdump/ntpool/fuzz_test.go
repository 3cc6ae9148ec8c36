package ntpool

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// FuzzPage cuts any page: blocks follow each other without a gap, and fill it where
// they close.
func FuzzPage(f *testing.F) {
	var layouts []*layout
	for _, name := range []string{"xp-x86", "2003sp2-x64"} {
		t, err := isf.Open("../types/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		for _, build := range []uint32{2600, 7601} {
			l, err := newLayout(t, build)
			if err != nil {
				f.Fatal(err)
			}
			layouts = append(layouts, l)
		}
	}
	f.Add([]byte{})
	f.Add([]byte{0, 0, 2, 2, 'F', 'i', 'l', 'e', 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0xfe, 0x11})
	f.Add([]byte{0, 0, 0xff, 9, 'F', 'i', 'l', 0xe5})
	f.Fuzz(func(t *testing.T, data []byte) {
		page := make([]byte, pageBytes)
		copy(page, data)
		for _, l := range layouts {
			var c chain
			closed := l.cut(page, &c)
			end := uint64(0x1000)
			for i, at := range c.at[:c.n] {
				b := l.block(page, int(at), 0x1000)
				if b.Addr != end || b.Size == 0 || i == 0 && b.Previous != 0 {
					t.Fatalf("block %d is %+v, want it at %#x", i, b, end)
				}
				end += b.Size
			}
			if closed != (end == 0x2000) {
				t.Fatalf("closed %v, the blocks end at %#x", closed, end)
			}
		}
	})
}

// FuzzPools changes bytes of a small machine's memory and reads everything.
func FuzzPools(f *testing.F) {
	m := filled(dumptest.XP, dumptest.PoolOptions{Tables: 2})
	data := m.Dump(dumptest.Summary)
	types, err := isf.Open("../types/xp-x86.json")
	if err != nil {
		f.Fatal(err)
	}
	c := types.(isf.Described).Content()
	for name, va := range m.Variables() {
		c.Symbols = append(c.Symbols, isf.Symbol{Name: name, RVA: va - 0x804d7000})
	}
	all, err := isf.New(c)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0, 0, 0, 0x40, 0xff})
	f.Add([]byte{0, 0x10, 0, 0x50, 0})
	f.Fuzz(func(t *testing.T, edits []byte) {
		file := append([]byte(nil), data...)
		for ; len(edits) >= 5; edits = edits[5:] {
			file[int(binary.LittleEndian.Uint32(edits))%len(file)] = edits[4]
		}
		d := openQuiet(file)
		if d == nil {
			return
		}
		d.SetTypes(all)
		r, err := New(d)
		if err != nil {
			return
		}
		_, _ = r.Tracker()
		for _, k := range []Kind{NonPaged, Paged, Special, Session} {
			ranges, _, _ := r.Ranges(k)
			n := 0
			for _, rg := range ranges {
				for range r.Blocks(context.Background(), rg, nil) {
					if n++; n > 10000 {
						break
					}
				}
			}
		}
		_, _, _, _ = r.Big(NonPaged)
		_, _, _, _ = r.Page(m.blocks[0].Addr)
	})
}

func openQuiet(file []byte) *ntdump.Dump {
	d, err := ntdump.New(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil
	}
	return d
}
