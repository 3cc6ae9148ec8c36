package lpcpool

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target"
)

// mappedRaw is a pool in memory as a running process's is: mapped, with what was never
// written where zero pages are.
type mappedRaw struct {
	Raw
	asked *int // how often it was read by a copy
}

func (m mappedRaw) ReadAt(dst []byte, off uint64) (int, string) {
	*m.asked++
	return m.Raw.ReadAt(dst, off)
}

func (m mappedRaw) Mapped(n uint64) []byte {
	if n > uint64(len(m.Raw)) {
		return nil
	}
	return m.Raw[:n]
}

func blocksOf(v *View, ctx context.Context, k target.PoolKind, match func([4]byte) bool) (list []target.Block) {
	ranges, _, err := v.PoolRanges(k)
	if err != nil {
		return nil
	}
	for _, r := range ranges {
		list = slices.AppendSeq(list, v.RangeBlocks(ctx, r, match))
	}
	return list
}

// What stands in a mapping is what a copy gives, and for a tag no copy is made.
func TestScanMapped(t *testing.T) {
	v, l := sample(t, nil)
	asked := 0
	src := source(l)
	for i, b := range l {
		src.Extents[i] = mappedRaw{b, &asked}
	}
	m := New([]*Pool{src})
	for _, tag := range []string{"", "LpcM", "Port", "Sect", "none"} {
		want := slices.Collect(v.Blocks(tag))
		m.paged() // reads the header
		before := asked
		got := slices.Collect(m.Blocks(tag))
		if !slices.Equal(got, want) || (len(want) == 0) != (tag == "none") {
			t.Errorf("tag %q: %d blocks, want %d", tag, len(got), len(want))
		}
		if small := asked - before; small > 8 { // the headers of pool and extents, no 64 pages
			t.Errorf("tag %q: %d reads by a copy", tag, small)
		}
	}
	// A damaged header in the middle: the copy's way tells of it, and goes on behind it.
	at := 0
	for b := range v.Blocks("Thre") {
		at = int(b.Addr & offsetMask)
	}
	clear(l[uint32(at/pool.ExtentSize)][at%pool.ExtentSize:][:blockHeader])
	want, got := slices.Collect(v.Blocks("LpcM")), slices.Collect(m.Blocks("LpcM"))
	told := func(list []target.Block) (n int) {
		for _, b := range list {
			if b.Err != nil {
				n++
			}
		}
		return n
	}
	if len(got) != len(want) || told(got) == 0 || told(got) != told(want) {
		t.Errorf("damaged: %d blocks and %d sentences, want %d and %d", len(got), told(got), len(want), told(want))
	}
}

func (v *View) paged() { v.order[0].paged() }

func TestPoolRanges(t *testing.T) {
	v, l := sample(t, nil)
	ranges, note, err := v.PoolRanges(target.Paged)
	if err != nil || note != "" || len(ranges) != 1 || ranges[0].Start != base() || ranges[0].End != base()+uint64(len(l))*pool.ExtentSize {
		t.Errorf("%+v %q %v", ranges, note, err)
	}
	if ranges, _, err := v.PoolRanges(target.NonPaged); err != nil || len(ranges) != 0 {
		t.Errorf("a pool that is not locked is nonpaged: %+v %v", ranges, err)
	}
	locked, _ := sample(t, func(l map[uint32][]byte) { l[0][headerBody+88] = 1 }) // Header.Locked
	if ranges, _, err := locked.PoolRanges(target.NonPaged); err != nil || len(ranges) != 1 {
		t.Errorf("a locked pool: %+v %v", ranges, err)
	}
	if _, _, err := v.PoolRanges(target.SessionPool); err == nil {
		t.Error("there is session pool")
	}
	half := target.PoolRange{Start: base(), End: base() + 0x1000, Process: base() + headerBody}
	for b := range v.RangeBlocks(t.Context(), half, nil) {
		if b.Addr >= half.End {
			t.Errorf("a block at %#x is not in the range", b.Addr)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n := len(blocksOf(v, ctx, target.Paged, nil)); n != 0 {
		t.Errorf("%d blocks after the end of the context", n)
	}
}

// The accounts agree with a walk over the blocks.
func TestPoolAccounts(t *testing.T) {
	v, _ := sample(t, nil)
	type count struct{ blocks, bytes uint64 }
	want := map[[4]byte]count{}
	for b := range v.Blocks("") {
		if b.Err == nil && b.Allocated {
			c := want[b.Tag]
			want[b.Tag] = count{c.blocks + 1, c.bytes + b.Size}
		}
	}
	accounts := slices.Collect(v.PoolAccounts(t.Context()))
	if len(accounts) != 1 || len(accounts[0].Notes) != 0 {
		t.Fatalf("%+v", accounts)
	}
	a := accounts[0]
	if !a.Paged || a.Limit == 0 || a.Used == 0 || a.Started == 0 {
		t.Errorf("%+v", a)
	}
	for _, g := range a.Tags {
		w := want[g.Tag]
		delete(want, g.Tag)
		if g.Small.Outstanding() != w.blocks || g.Small.Bytes != w.bytes {
			t.Errorf("tag %s: %+v, the walk found %+v", g.Tag, g.Small, w)
		}
	}
	if len(want) != 0 {
		t.Errorf("no account of %v", want)
	}
}

// withSections is the sample with records of sections in its two blocks of that tag.
func withSections(t *testing.T, recs ...pool.Section) (*View, []uint64) {
	t.Helper()
	plain, l := sample(t, nil)
	var at []uint64
	for b := range plain.Blocks("Sect") {
		if len(recs) > 0 {
			var rec bytes.Buffer
			if err := binary.Write(&rec, le, recs[0]); err != nil {
				t.Fatal(err)
			}
			copy(l[uint32(b.Body&offsetMask/pool.ExtentSize)][b.Body%pool.ExtentSize:], rec.Bytes())
			at, recs = append(at, b.Body), recs[1:]
		}
	}
	if len(recs) > 0 {
		t.Fatalf("%d sections have no room", len(recs))
	}
	return New([]*Pool{source(l)}), at
}

// Sections are the table of large allocations: those that the process allocates in.
func TestSections(t *testing.T) {
	leak := pool.Tag{'L', 'e', 'a', 'k'}
	v, at := withSections(t,
		pool.Section{Mine: 1, Size: 0x10000, Used: 0xf000, Blocks: 1, UserTag: leak, Allocs: 7, Frees: 6},
		pool.Section{Mine: 1, Size: 0x4000, UserTag: leak, Allocs: 2, Frees: 2})
	start, end, seq, err := v.BigTable(target.Paged)
	list := slices.Collect(seq)
	if err != nil || len(list) != 2 || start != at[0] || end != at[1]+1 {
		t.Fatalf("%#x to %#x: %+v, %v", start, end, list, err)
	}
	for i, b := range list {
		if !b.Big || b.Tag != leak || b.Body != 0 || b.Addr != at[i] || b.Allocated != (i == 0) || b.Size != []uint64{0x10000, 0x4000}[i] || !b.Paged {
			t.Errorf("%+v", b)
		}
	}
	c, err := v.TagUse(t.Context(), false)
	if err != nil || !c.Frees || len(c.Notes) != 0 {
		t.Fatalf("%+v %v", c, err)
	}
	i := slices.IndexFunc(c.Tags, func(u target.TagUse) bool { return u.Tag == leak })
	if i < 0 || c.Tags[i].Paged != (target.PoolCount{Allocs: 9, Frees: 8, Bytes: 0x10000}) || c.Tags[i].NonPaged != (target.PoolCount{}) {
		t.Errorf("%+v", c.Tags)
	}
	for a := range v.PoolAccounts(t.Context()) {
		if a.Granted != 0x14000 || a.InUse != 0x10000 {
			t.Errorf("%+v", a)
		}
	}
	if _, _, seq, err := v.BigTable(target.NonPaged); err != nil || len(slices.Collect(seq)) != 0 {
		t.Errorf("sections are nonpaged: %v", err)
	}
	theirs, _ := withSections(t, pool.Section{Size: 0x10000, Blocks: 1}, pool.Section{Size: 0x10000})
	if _, _, seq, _ := theirs.BigTable(target.Paged); len(slices.Collect(seq)) != 0 {
		t.Error("sections that the other end allocates in are counted")
	}
}

// A pool of a library without trackers is counted block by block, and says so.
func TestNoTrackers(t *testing.T) {
	good, _ := sample(t, nil)
	want, err := good.TagUse(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range []uint64{0, 0x1234, base() | 0x60, 5 << poolShift} { // Header.Trackers
		v, _ := sample(t, func(l map[uint32][]byte) { le.PutUint64(l[0][headerBody+216:], damage) })
		got, err := v.TagUse(t.Context(), false)
		if err != nil || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "its blocks were counted") {
			t.Fatalf("trackers at %#x: %v, %+v", damage, err, got)
		}
		for _, g := range got.Tags {
			i := slices.IndexFunc(want.Tags, func(u target.TagUse) bool { return u.Tag == g.Tag })
			if i < 0 || want.Tags[i].Paged.Outstanding() != g.Paged.Outstanding() || want.Tags[i].Paged.Bytes != g.Paged.Bytes {
				t.Errorf("trackers at %#x: tag %s: %+v", damage, g.Tag, g)
			}
		}
	}
}

func TestPoolPage(t *testing.T) {
	v, _ := sample(t, nil)
	all := slices.Collect(v.Blocks(""))
	for _, want := range all {
		for _, addr := range []uint64{want.Addr, want.Body, want.Addr + want.Size - 1} {
			region, list, err := v.PoolPage(addr)
			if err != nil || !strings.HasPrefix(region, "Paged pool of process ") {
				t.Fatalf("%#x: %q, %v", addr, region, err)
			}
			page := addr &^ (pageSize - 1)
			for _, b := range all {
				in := b.Addr < page+pageSize && b.Addr+b.Size > page && b.Addr/pool.ExtentSize == addr/pool.ExtentSize
				if in != slices.Contains(list, b) {
					t.Fatalf("%#x: block at %#x of %#x bytes shown: %v", addr, b.Addr, b.Size, !in)
				}
			}
		}
	}
	last := all[len(all)-1]
	if _, _, err := v.PoolPage(last.Addr + last.Size); err == nil {
		t.Error("behind the last block: no error")
	}
	for _, addr := range []uint64{0, 1 << poolShift, base() | 1<<39} {
		if _, _, err := v.PoolPage(addr); err == nil {
			t.Errorf("%#x: no error", addr)
		}
	}
}
