package ntdump

import (
	"testing"

	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// Stretches say of every page what Translate says, without a gap and without an
// overlap, whatever the range begins and ends with.
func TestStretches(t *testing.T) {
	for _, p := range dumptest.Profiles {
		m := dumptest.New(p)
		base := m.Alloc(64*pageBytes) &^ (pageBytes - 1)
		k := m.Kernel()
		m.Entry(k, base+3*pageBytes, m.Transition(m.Frame([]byte("in transition"))))
		m.Entry(k, base+5*pageBytes, m.PageFile(7))
		m.Entry(k, base+6*pageBytes, m.DemandZero())
		m.Entry(k, base+7*pageBytes, 0)
		if p.Bits == 64 || p.PAE {
			proto := m.Alloc(8)
			m.Number(proto, m.Frame([]byte("of a section"))*pageBytes|0x63, 8)
			m.Entry(k, base+8*pageBytes, m.ProtoEntry(proto))
		}
		large, pages := (base+(64<<20))&^(4<<20-1), uint64(512)
		if !p.PAE && p.Bits == 32 {
			pages = 1024
		}
		m.Large(large, 0x40000, pages)
		m.Put(large, []byte("large"))
		d := read(t, m.Dump(dumptest.BitmapKernel))
		for _, r := range [][2]uint64{
			{base - 4*pageBytes, base + 66*pageBytes}, {base + 1, base + 2}, {base + 4*pageBytes - 1, base + 4*pageBytes + 1},
			{base, large + 3*pages*pageBytes}, {large + 5*pageBytes, large + 9*pageBytes}, {base, base},
		} {
			at := r[0] &^ (pageBytes - 1)
			for s, err := range d.Stretches(Space{}, r[0], r[1]) {
				if err != nil {
					t.Fatal(err)
				}
				if s.Virtual != at || s.Size == 0 || s.Size%pageBytes != 0 {
					t.Fatalf("%s: %x: stretch %+v, want one from %#x on", p.Name, r, s, at)
				}
				at += s.Size
				for off := uint64(0); off < s.Size; off += pageBytes {
					tr, err := d.Translate(Space{}, s.Virtual+off)
					if err != nil {
						t.Fatal(err)
					}
					if why := s.Absent; why != 0 && (tr.Absent == nil || tr.Absent.Reason != why) || why == 0 && (tr.Absent != nil || tr.Physical != s.Physical+off) {
						t.Fatalf("%s: %#x: stretch %+v, translation %+v", p.Name, s.Virtual+off, s, tr)
					}
				}
			}
			if want := (r[1] + pageBytes - 1) &^ (pageBytes - 1); r[1] > r[0] && at != want || r[1] == r[0] && at != r[0] {
				t.Errorf("%s: %x: the stretches end at %#x", p.Name, r, at)
			}
		}
		for range d.Stretches(Space{}, base, base+10*pageBytes) {
			break
		}
	}
}

// A range that is none, and a dump without page tables.
func TestNoStretches(t *testing.T) {
	d := read(t, dumptest.New(dumptest.X64).Dump(dumptest.Full))
	for s, err := range d.Stretches(Space{}, 0x7fff00000000, 0x900000000000) {
		if err != nil || s.Absent != NotCanonical || s.Size != 0x900000000000-0x7fff00000000 {
			t.Errorf("%+v, %v", s, err)
		}
	}
	d = read(t, dumptest.New(dumptest.X64).Dump(dumptest.HeaderOnly))
	for s, err := range d.Stretches(Space{}, 0x1000, 0x3000) {
		if err != nil || s.Absent != NoTables || s.Size != 0x2000 {
			t.Errorf("%+v, %v", s, err)
		}
	}
}

// All tables are the root: a walk of all addresses can be stopped, and each part of
// it comes soon.
func TestStretchesOfATableThatIsItsOwn(t *testing.T) {
	m := dumptest.New(dumptest.X64)
	data := m.Dump(dumptest.Full)
	d := read(t, data)
	root := d.header.DTB &^ 0xfff
	off, _, ok, err := d.phys.find(root / pageBytes)
	if !ok || err != nil {
		t.Fatal(err)
	}
	for i := range uint64(512) {
		copy(data[off+int64(i)*8:], []byte{0x63, byte(root >> 8), byte(root >> 16), byte(root >> 24), 0, 0, 0, 0})
	}
	n := 0
	for s, err := range read(t, data).Stretches(Space{}, 0xffff800000000000, 0xfffffffffffff000) {
		if err != nil || s.Size > maxStretch {
			t.Fatalf("%+v, %v", s, err)
		}
		if n++; n == 10000 {
			break
		}
	}
	if n != 10000 {
		t.Errorf("%d stretches", n)
	}
}
