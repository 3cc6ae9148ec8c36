package pool

// Trackers count by tag what a walk over the blocks cannot see: how often, and what
// is gone again. A tag has one tracker for the life of the process.

// mostTrackers bounds the tags that have a tracker of their own: a program that makes
// them up as it goes fills no pool with them. The rest share TagOver's.
const mostTrackers = 16 * trackersPerTable

// startTrackers makes the first table, and counts what the pool holds already: the
// header, the type description and that table, all with TagPool.
func (p *Pool) startTrackers() error {
	t, a, err := New[TrackerTable](p, TagPool, 0)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hdr.Trackers, p.tracked, p.trackers = a, t, map[Tag]*Tracker{}
	own := p.tracker(TagPool)
	own.Allocs, own.Bytes = p.hdr.Blocks, p.hdr.Used
	_ = p.tracker(TagOver)
	return nil
}

// tracker is the tracker of a tag; nil while the pool is made. p.mu is held.
func (p *Pool) tracker(tag Tag) *Tracker {
	t := p.trackers[tag]
	if t != nil || p.trackers == nil {
		return t
	}
	if len(p.trackers) >= mostTrackers {
		return p.trackers[TagOver]
	}
	if p.tracked.Count == trackersPerTable && !p.moreTrackers() {
		// It stays there, also when there is room again: what was counted as allocated in
		// one tracker is not freed from another.
		p.trackers[tag] = p.trackers[TagOver]
		return p.trackers[tag]
	}
	t = &p.tracked.Entries[p.tracked.Count]
	t.Key = tag
	p.tracked.Count++ // last: it makes the entry count
	p.trackers[tag] = t
	return t
}

// moreTrackers chains one more table. That there is no room for it is nobody's failure:
// none is recorded. p.mu is held.
func (p *Pool) moreTrackers() bool {
	n := int(sizeof[TrackerTable]())
	need := uint64(n) + blockHeaderSize
	class := sizeClass(need)
	off, refused := p.allocLocked(TagPool, n, 0, class, classes[class])
	if refused != "" {
		return false
	}
	a := p.number | Addr(off+blockHeaderSize)
	p.tracked.Next, p.tracked = a, At[TrackerTable](p, a)
	return true
}

// CountLarge adds allocations and frees of section memory with a tag, which stands
// outside the pool.
func (p *Pool) CountLarge(tag Tag, allocs, frees uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.tracker(tag); t != nil {
		t.LargeAllocs += allocs
		t.LargeFrees += frees
	}
}
