package ntpool

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// profiles are the machines with the file that describes each.
var profiles = []struct {
	p     dumptest.Profile
	types string
}{
	{dumptest.XP, "xp-x86"}, {dumptest.XPPAE, "xp-x86"}, {dumptest.Server2003, "2003sp1-x86"}, {dumptest.X64, "2003sp2-x64"},
}

func open(t testing.TB, data []byte) *ntdump.Dump {
	t.Helper()
	d, err := ntdump.New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// describe gives a dump the symbols of its machine.
func describe(t testing.TB, d *ntdump.Dump, m *dumptest.Machine, types string) {
	t.Helper()
	file, err := os.ReadFile("../types/" + types + ".json")
	if err != nil {
		t.Fatal(err)
	}
	all, err := isf.Parse("test", m.ISF(file))
	if err != nil {
		t.Fatal(err)
	}
	d.SetTypes(all)
}

func reader(t testing.TB, d *ntdump.Dump) *Reader {
	t.Helper()
	r, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// made is a machine with pools and what was put into them.
type made struct {
	*dumptest.Machine
	pools  *dumptest.Pools
	blocks []Block // allocated small ones, by pool
	paged  []Block
	big    []Block
}

func filled(p dumptest.Profile, opt dumptest.PoolOptions) *made {
	m := &made{Machine: dumptest.New(p)}
	m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x200000})
	system := m.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	m.AddProcessor(m.AddThread(system, dumptest.Thread{ID: 8, State: 2}))
	m.pools = m.AddPools(opt)
	u := m.pools.Unit()
	tags := []string{"None", "File", "Irp ", "Port", "LpcM"}
	for i := range 200 {
		b := dumptest.PoolBlock{Tag: tags[i%len(tags)], Size: (2 + i%40) * u, Paged: i%3 == 0, Protected: i%5 == 3, Content: []byte("content")}
		if i%7 == 0 {
			b.Billed = system
		}
		body := m.pools.Alloc(b)
		want := Block{Addr: body - uint64(u), Body: body, Size: uint64(b.Size), Tag: [4]byte([]byte(b.Tag)), Protected: b.Protected, Allocated: true,
			Paged: b.Paged, Quota: b.Billed != 0, Billed: b.Billed}
		if b.Paged {
			m.paged = append(m.paged, want)
		} else {
			m.blocks = append(m.blocks, want)
		}
		if i%11 == 0 {
			m.pools.Hole(b.Paged, 3*u, "File")
		}
	}
	for i, paged := range []bool{false, true, false} {
		at := m.pools.Big("MmCm", paged, uint64(i)+2, uint64(i)*4096+100, nil)
		m.big = append(m.big, Block{Addr: at, Body: at, Size: (uint64(i) + 2) * 4096, Tag: [4]byte([]byte("MmCm")), Allocated: true, Paged: paged, Big: true})
	}
	m.pools.FreeBig("Gone", 3)
	m.pools.Freed("None", false, 4096)
	m.pools.Finish()
	return m
}

// collect are the allocated blocks of a kind, without what the chain says of neighbours.
func collect(t testing.TB, r *Reader, k Kind, match func([4]byte) bool) (list []Block, gaps []string) {
	t.Helper()
	ranges, _, err := r.Ranges(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, rg := range ranges {
		for b, err := range r.Blocks(context.Background(), rg, match) {
			var g *Gap
			if errors.As(err, &g) {
				gaps = append(gaps, g.Error())
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if b.Allocated {
				b.Previous = 0
				list = append(list, b)
			}
		}
	}
	return list, gaps
}

// What was put into the pools comes out: with symbols from the two ranges, without them
// from all addresses between their ends.
func TestBlocks(t *testing.T) {
	for _, c := range profiles {
		m := filled(c.p, dumptest.PoolOptions{})
		for _, symbols := range []bool{true, false} {
			d := open(t, m.Dump(dumptest.BitmapKernel))
			if symbols {
				describe(t, d, m.Machine, c.types)
			}
			r := reader(t, d)
			got, gaps := collect(t, r, NonPaged, nil)
			if !slices.Equal(got, m.blocks) {
				t.Errorf("%s, symbols %v: %d nonpaged blocks, want %d", c.p.Name, symbols, len(got), len(m.blocks))
			}
			if symbols && len(gaps) > 0 {
				t.Errorf("%s: %q", c.p.Name, gaps)
			}
			if got, _ = collect(t, r, Paged, nil); !slices.Equal(got, m.paged) {
				t.Errorf("%s, symbols %v: %d paged blocks, want %d", c.p.Name, symbols, len(got), len(m.paged))
			}
			got, _ = collect(t, r, NonPaged, func(tag [4]byte) bool { return string(tag[:]) == "Port" })
			if want := slices.DeleteFunc(slices.Clone(m.blocks), func(b Block) bool { return string(b.Tag[:]) != "Port" }); !slices.Equal(got, want) || len(got) == 0 {
				t.Errorf("%s: %d blocks with the protected tag Port, want %d", c.p.Name, len(got), len(want))
			}
			ranges, note, err := r.Ranges(NonPaged)
			if err != nil || symbols != (len(ranges) == 2 && note == "") || !symbols && !strings.Contains(note, "needs symbols (MmNonPagedPoolEnd0)") {
				t.Errorf("%s, symbols %v: ranges %+v, %q, %v", c.p.Name, symbols, ranges, note, err)
			}
		}
	}
}

func TestBig(t *testing.T) {
	for _, c := range profiles {
		m := filled(c.p, dumptest.PoolOptions{})
		d := open(t, m.Dump(dumptest.Summary))
		if _, _, _, err := reader(t, d).Big(NonPaged); err == nil || !strings.Contains(err.Error(), "needs symbols (PoolBigPageTable") {
			t.Errorf("%s: %v", c.p.Name, err)
		}
		describe(t, d, m.Machine, c.types)
		r := reader(t, d)
		start, end, np, err := r.Big(NonPaged)
		_, _, pg, err2 := r.Big(Paged)
		if err != nil || err2 != nil || start == 0 || end <= start || !slices.Equal(np, []Block{m.big[0], m.big[2]}) || !slices.Equal(pg, m.big[1:2]) {
			t.Errorf("%s: %+v, %+v, %v, %v", c.p.Name, np, pg, err, err2)
		}
	}
}

// The kernel's counts: of one table, and of four that are added up.
func TestTracker(t *testing.T) {
	for _, c := range profiles {
		for _, tables := range []int{0, 4} {
			m := filled(c.p, dumptest.PoolOptions{Tables: tables})
			m.Header.CPUs = uint32(max(tables, 1))
			d := open(t, m.Dump(dumptest.BitmapFull))
			describe(t, d, m.Machine, c.types)
			got, err := reader(t, d).Tracker()
			if err != nil || got.Tables != max(tables, 1) || len(got.Notes) > 0 {
				t.Fatalf("%s, %d tables: %+v, %v", c.p.Name, tables, got, err)
			}
			want := map[string]Use{}
			for _, b := range append(slices.Clone(m.blocks), m.paged...) {
				u := want[string(b.Tag[:])]
				u.Tag = b.Tag
				if b.Paged {
					u.Paged.Allocs, u.Paged.Bytes = u.Paged.Allocs+1, u.Paged.Bytes+b.Size
				} else {
					u.NonPaged.Allocs, u.NonPaged.Bytes = u.NonPaged.Allocs+1, u.NonPaged.Bytes+b.Size
				}
				want[string(b.Tag[:])] = u
			}
			none := want["None"]
			none.NonPaged.Allocs, none.NonPaged.Frees = none.NonPaged.Allocs+1, 1
			want["None"] = none
			want["MmCm"] = Use{Tag: [4]byte([]byte("MmCm")), NonPaged: Count{2, 0, 2*4096 + 200}, Paged: Count{1, 0, 4196}}
			if len(got.Tags) != len(want) {
				t.Errorf("%s, %d tables: %d tags, want %d", c.p.Name, tables, len(got.Tags), len(want))
			}
			for _, u := range got.Tags {
				if want[string(u.Tag[:])] != u {
					t.Errorf("%s, %d tables: %s is %+v, want %+v", c.p.Name, tables, u.Tag, u, want[string(u.Tag[:])])
				}
			}
		}
	}
}

// Without symbols the global table is read up to its end as its content tells, and it
// is said what may be missing.
func TestTrackerWithoutSymbols(t *testing.T) {
	m := filled(dumptest.Server2003, dumptest.PoolOptions{Tables: 2})
	m.Header.CPUs = 2
	got, err := reader(t, open(t, m.Dump(dumptest.Full))).Tracker()
	if err != nil || got.Tables != 1 || len(got.Tags) == 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	notes := strings.Join(got.Notes, "; ")
	for _, want := range []string{"needs symbols (PoolTrackTableSize)", "needs symbols (ExPoolTagTables)"} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q, want %q", notes, want)
		}
	}
	m = filled(dumptest.XP, dumptest.PoolOptions{NoTags: true})
	if _, err := reader(t, open(t, m.Dump(dumptest.Full))).Tracker(); !errors.Is(err, ErrNoTags) {
		t.Errorf("%v", err)
	}
}

// Pages that are not there, or no pages of blocks, are said.
func TestGaps(t *testing.T) {
	for _, c := range profiles {
		m := filled(c.p, dumptest.PoolOptions{})
		first := m.paged[0].Addr &^ 0xfff
		m.Entry(m.Kernel(), first, m.PageFile(5))
		bad := m.blocks[0].Addr &^ 0xfff
		m.Put(bad+2, []byte{1})
		d := open(t, m.Dump(dumptest.BitmapKernel))
		describe(t, d, m.Machine, c.types)
		r := reader(t, d)
		if _, gaps := collect(t, r, Paged, nil); !slices.Contains(gaps, (&Gap{first, 1, "paged out"}).Error()) {
			t.Errorf("%s: %q", c.p.Name, gaps)
		}
		got, gaps := collect(t, r, NonPaged, nil)
		if !slices.Contains(gaps, (&Gap{bad, 1, whyChain}).Error()) || len(got) >= len(m.blocks) || len(got) == 0 {
			t.Errorf("%s: %d blocks, %q", c.p.Name, len(got), gaps)
		}
		if _, _, _, err := r.Page(bad); err == nil || !strings.Contains(err.Error(), "is no page of pool blocks: at") {
			t.Errorf("%s: %v", c.p.Name, err)
		}
		if _, _, _, err := r.Page(first); err == nil || !strings.Contains(err.Error(), "paged out") {
			t.Errorf("%s: %v", c.p.Name, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		ranges, _, _ := r.Ranges(NonPaged)
		for _, err := range r.Blocks(ctx, ranges[0], nil) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", c.p.Name, err)
			}
		}
	}
}

func TestPage(t *testing.T) {
	for _, c := range profiles {
		m := filled(c.p, dumptest.PoolOptions{})
		d := open(t, m.Dump(dumptest.Full))
		describe(t, d, m.Machine, c.types)
		r := reader(t, d)
		b := m.blocks[5]
		k, known, list, err := r.Page(b.Body + 3)
		if i := slices.IndexFunc(list, func(x Block) bool { return x.Addr == b.Addr }); err != nil || k != NonPaged || !known || i < 1 || list[i].Size != b.Size || list[i].Previous != list[i-1].Size || list[0].Previous != 0 {
			t.Errorf("%s: %v, %v, %+v, %v", c.p.Name, k, known, list, err)
		}
		if k, _, list, err := r.Page(m.big[1].Addr + 4096); err != nil || k != Paged || len(list) != 1 || list[0] != m.big[1] {
			t.Errorf("%s: %v, %+v, %v", c.p.Name, k, list, err)
		}
	}
}

// Special pool: one block a page, its header at the page's start or end.
func TestSpecial(t *testing.T) {
	m := filled(dumptest.XP, dumptest.PoolOptions{})
	start := uint64(0xf8000000)
	m.SetVariable("MmSpecialPoolStart", start)
	m.SetVariable("MmSpecialPoolEnd", start+0x10000)
	m.Put(start, []byte{0x64, 0, 0, 0, 'S', 'p', 'c', '1'})
	m.Put(start+0x2000+0xff8, []byte{0x20, 0x80, 0, 0, 'S', 'p', 'c', '2'})
	m.Put(start+0x4000, []byte("nothing"))
	d := open(t, m.Dump(dumptest.Full))
	if _, _, err := reader(t, d).Ranges(Special); err == nil || !strings.Contains(err.Error(), "need symbols") {
		t.Error(err)
	}
	describe(t, d, m.Machine, "xp-x86")
	r := reader(t, d)
	got, gaps := collect(t, r, Special, nil)
	want := []Block{
		{Addr: start, Body: start + 0xf98, Size: 0x6c, Tag: [4]byte([]byte("Spc1")), Allocated: true},
		{Addr: start + 0x2ff8, Body: start + 0x2000, Size: 0x28, Tag: [4]byte([]byte("Spc2")), Allocated: true, Paged: true},
	}
	if !slices.Equal(got, want) || len(gaps) != 1 {
		t.Errorf("%+v, %q", got, gaps)
	}
	if k, known, list, err := r.Page(start + 0x2010); err != nil || k != Special || !known || len(list) != 1 || list[0] != want[1] {
		t.Errorf("%v, %+v, %v", k, list, err)
	}
}

// Builds whose pools are something else are refused by their number.
func TestSegmentHeap(t *testing.T) {
	d := open(t, dumptest.New(dumptest.Win10).Dump(dumptest.BitmapKernel))
	r := reader(t, d)
	for _, err := range []error{second(r.Ranges(NonPaged)), fourth(r.Page(0x1000)), fourth(r.Big(NonPaged))} {
		if err == nil || !strings.Contains(err.Error(), "the pools of build 19041 are segment heaps") {
			t.Errorf("%v", err)
		}
	}
	if _, err := r.Tracker(); err == nil || !strings.Contains(err.Error(), "_POOL_TRACKER_TABLE is not described") {
		t.Errorf("%v", err)
	}
}

func second[A, B any](_ A, _ B, err error) error         { return err }
func fourth[A, B, C any](_ A, _ B, _ C, err error) error { return err }

// From Vista on a block's type means the other pool, and the number of entries of the
// table of tags stands in front of its variable.
func TestVista(t *testing.T) {
	p := dumptest.X64
	p.Build = 7601
	m := filled(p, dumptest.PoolOptions{})
	m.Number(m.Variable("PoolTrackTable")-8, 64, 8)
	d := open(t, m.Dump(dumptest.BitmapKernel))
	file, err := isf.Open("../types/2003sp2-x64.json")
	if err != nil {
		t.Fatal(err)
	}
	d.SetTypes(file)
	r := reader(t, d)
	c, err := r.Tracker()
	if err != nil || len(c.Notes) > 0 || len(c.Tags) != 6 {
		t.Errorf("%+v, %v", c, err)
	}
	_, _, list, err := r.Page(m.paged[0].Addr)
	if err != nil || list[0].Paged || !list[0].Allocated {
		t.Errorf("a block of type 2: %+v, %v", list[0], err)
	}
	for _, x := range []struct {
		build uint32
		ty    uint32
		paged bool
	}{{2600, 1, false}, {2600, 2, true}, {2600, 5, false}, {2600, 6, true}, {2600, 0x22, true}, {7601, 2, false}, {7601, 3, true}} {
		l, err := newLayout(file, x.build)
		if err != nil || l.isPaged(x.ty) != x.paged {
			t.Errorf("build %d, type %d: paged %v, %v", x.build, x.ty, !x.paged, err)
		}
	}
}

// Scattered pages come in the pool's order, however many of their blocks are asked for.
func TestWindow(t *testing.T) {
	const pages = 500
	path, _ := writeLarge(t, large{pages: pages, scattered: true})
	d, err := ntdump.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r := reader(t, d)
	r.window, r.windowAll, r.kept = 300, 40, 1000
	ranges, _, err := r.Ranges(NonPaged)
	if err != nil {
		t.Fatal(err)
	}
	for name, match := range map[string]func([4]byte) bool{"all": nil, "each": func([4]byte) bool { return true }} {
		n, last := 0, uint64(0)
		for _, rg := range ranges {
			for b, err := range r.Blocks(context.Background(), rg, match) {
				if err != nil {
					t.Fatal(err)
				}
				if b.Addr <= last {
					t.Fatalf("%s: block %d at %#x comes behind %#x", name, n, b.Addr, last)
				}
				n, last = n+1, b.Addr
			}
		}
		if want := pages * 20; n != want { // 19 of 208 bytes and a free one a page
			t.Errorf("%s: %d blocks, want %d", name, n, want)
		}
	}
}

// Where the tables of the processors are not known, a count that is negative without
// them is left out and said.
func TestNegative(t *testing.T) {
	m := dumptest.New(dumptest.Server2003)
	m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x200000})
	m.Header.CPUs = 2
	p := m.AddPools(dumptest.PoolOptions{Tables: 2})
	p.Count("Here", false, 5, 2, 3*64)            // processor 0
	p.Count("Gone", false, 7, 2, 5*64)            // 1
	p.Count("Gone", false, 0, 3, ^uint64(3*64)+1) // 0 gave back what 1 took
	p.Count("Here", false, 1, 0, 64)              // 1
	p.Finish()
	d := open(t, m.Dump(dumptest.Full))
	c, err := reader(t, d).Tracker()
	if err != nil || len(c.Tags) != 1 || string(c.Tags[0].Tag[:]) != "Here" || !strings.Contains(strings.Join(c.Notes, "; "), "1 tags are left out") {
		t.Errorf("%+v, %v", c, err)
	}
	describe(t, d, m, "2003sp1-x86")
	c, err = reader(t, d).Tracker()
	want := []Use{{Tag: [4]byte([]byte("Gone")), NonPaged: Count{7, 5, 2 * 64}}, {Tag: [4]byte([]byte("Here")), NonPaged: Count{6, 2, 4 * 64}}}
	if err != nil || !slices.Equal(c.Tags, want) || len(c.Notes) > 0 {
		t.Errorf("%+v, %v", c, err)
	}
}
