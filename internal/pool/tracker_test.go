package pool

import (
	"fmt"
	"testing"
)

// trackersOf are a pool's trackers as a debugger finds them: by the links in memory.
func trackersOf(t *testing.T, p *Pool) map[Tag]Tracker {
	t.Helper()
	l := map[Tag]Tracker{}
	for a := p.hdr.Trackers; a != 0; {
		table := At[TrackerTable](p, a)
		for _, e := range table.Entries[:table.Count] {
			if _, twice := l[e.Key]; twice {
				t.Errorf("tag %s has two trackers", e.Key)
			}
			l[e.Key] = e
		}
		a = table.Next
	}
	return l
}

// What the trackers say is what a walk over the blocks finds, also when there are more
// tags than trackers.
func TestTrackers(t *testing.T) {
	p, err := newPool(4711)
	if err != nil {
		t.Fatal(err)
	}
	tag := func(i int) Tag { return Tag([]byte(fmt.Sprintf("%04d", i))) }
	tags := mostTrackers + 10
	for i := range tags {
		var kept Addr
		for range 3 {
			if _, kept, err = p.Alloc(tag(i), 100*(i%5), 0); err != nil {
				t.Fatal(err)
			}
		}
		p.Free(kept)
	}
	if _, _, err := p.Alloc(tag(7), ExtentSize, 0); err == nil {
		t.Fatal("a block as large as an extent was given")
	}
	p.RecordFailure(5, tag(7), "a quota")
	p.CountLarge(tag(8), 5, 3)

	want := map[Tag]Tracker{}
	var blocks, bytes uint64
	for i := range p.fds {
		for off := uint64(sizeof[ExtentHeader]()); off < p.extent(i).Tail; {
			b := p.block(uint64(i)*ExtentSize + off)
			off += uint64(b.Size)
			if b.State == BlockAllocated {
				w := want[b.Tag]
				w.Allocs, w.Bytes = w.Allocs+1, w.Bytes+uint64(b.Size)
				want[b.Tag] = w
				blocks, bytes = blocks+1, bytes+uint64(b.Size)
			}
		}
	}
	if p.hdr.Blocks != blocks || p.hdr.Used != bytes {
		t.Errorf("the header counts %d blocks of %d bytes, the walk %d of %d", p.hdr.Blocks, p.hdr.Used, blocks, bytes)
	}
	got := trackersOf(t, p)
	if len(got) != mostTrackers {
		t.Errorf("%d trackers, want %d", len(got), mostTrackers)
	}
	var over Tracker // what the tags without a tracker of their own hold
	for tag, w := range want {
		g, ok := got[tag]
		if !ok {
			over.Allocs, over.Bytes = over.Allocs+w.Allocs, over.Bytes+w.Bytes
		} else if g.Allocs-g.Frees != w.Allocs || g.Bytes != w.Bytes {
			t.Errorf("tag %s: %d-%d blocks of %d bytes, want %d of %d", tag, g.Allocs, g.Frees, g.Bytes, w.Allocs, w.Bytes)
		}
	}
	if o := got[TagOver]; over.Allocs == 0 || o.Allocs-o.Frees != over.Allocs || o.Bytes != over.Bytes || o.Frees != over.Allocs/2 {
		t.Errorf("tags without trackers: %+v, want %d blocks of %d bytes", o, over.Allocs, over.Bytes)
	}
	if g := got[tag(7)]; g.Failures != 2 {
		t.Errorf("%d failures, want 2", g.Failures)
	}
	if g := got[tag(8)]; g.LargeAllocs != 5 || g.LargeFrees != 3 {
		t.Errorf("sections: %d-%d, want 5-3", g.LargeAllocs, g.LargeFrees)
	}
}

// A tag that came while there was no room for a tracker of its own is counted with the
// others of that kind to its end, and that there was no room is no failure of anybody's.
func TestTrackerWithoutRoom(t *testing.T) {
	p, err := newPool(4712)
	if err != nil {
		t.Fatal(err)
	}
	late := Tag{'L', 'a', 't', 'e'}
	for i := 0; p.tracked.Count < trackersPerTable; i++ {
		if _, _, err := p.Alloc(Tag([]byte(fmt.Sprintf("%04d", i))), 8, 0); err != nil {
			t.Fatal(err)
		}
	}
	limit := p.limit
	p.limit = p.hdr.Used + classes[0]
	_, a, err := p.Alloc(late, 8, 0)
	if err != nil {
		t.Fatal(err)
	}
	p.RecordFailure(5, late, "a quota")
	if h := p.hdr; h.Failures != 1 || h.FailureTag != late || h.FailureSize != 5 {
		t.Errorf("%d failures, the last of %d bytes with tag %s; want 1 of 5 bytes with tag %s", h.Failures, h.FailureSize, h.FailureTag, late)
	}
	p.limit = limit
	p.Free(a)
	if _, _, err := p.Alloc(Tag{'N', 'e', 'x', 't'}, 8, 0); err != nil {
		t.Fatal(err)
	}
	got := trackersOf(t, p)
	if o := got[TagOver]; o.Allocs != 1 || o.Frees != 1 || o.Bytes != 0 || o.Failures != 1 {
		t.Errorf("tags without trackers: %+v, want one block that was allocated and freed, and one failure", o)
	}
	if own, has := got[late]; has {
		t.Errorf("tag %s has a tracker: %+v", late, own)
	}
	if n := got[Tag{'N', 'e', 'x', 't'}]; n.Allocs != 1 {
		t.Errorf("the next tag: %+v, want a tracker of its own", n)
	}
}
