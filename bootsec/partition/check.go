package partition

import "sort"

// checkPrimary checks the entries of the master boot record by themselves.
func (t *Table) checkPrimary() {
	active, extended := 0, 0
	protective := false
	for _, p := range t.Partitions {
		at := t.entryOffset(0, p.Number-1)
		switch {
		case p.Status == 0x80:
			if active++; active == 2 {
				t.find(TwoActive, p.Number, at, "partition %d is active as well as partition %d, expected at most one", p.Number, t.Active().Number)
			} else if active > 2 {
				t.find(TwoActive, p.Number, at, "partition %d is active too, expected at most one", p.Number)
			}
		case p.Status != 0:
			t.find(BadStatus, p.Number, at, "partition %d has status %02X, expected 00 or 80", p.Number, p.Status)
		}
		if p.Extended() {
			if extended++; extended > 1 {
				t.find(TwoExtended, p.Number, at, "partition %d is a second extended partition, expected at most one", p.Number)
			}
		}
		protective = protective || p.Type == typeProtective
		t.checkEntry(p, at)
	}
	if active == 0 && !protective {
		t.find(NoActive, 0, tableOffset, "no partition is active: boot code that looks for one finds none")
	}
}

// checkEntry checks type, start and length of one entry at offset at.
func (t *Table) checkEntry(p Partition, at int64) {
	switch {
	case p.Type == 0 && p.Sectors > 0:
		t.find(NoType, p.Number, at, "partition %d has %d sectors but type 00, which means unused", p.Number, p.Sectors)
		return
	case p.Type == 0:
		return
	case p.Sectors == 0:
		t.find(NoSectors, p.Number, at, "partition %d has type %02X but no sectors", p.Number, p.Type)
		return
	}
	if p.Start == 0 {
		t.find(StartsAtZero, p.Number, at, "partition %d starts at sector 0 and so covers the partition table", p.Number)
	}
	if n := t.Sectors(); n > 0 && p.End() >= n && p.Type != typeProtective {
		t.find(BeyondEnd, p.Number, at, "partition %d ends at sector %d, the disk at sector %d", p.Number, p.End(), n-1)
	}
}

// checkCHS holds the CHS values against the LBA values, by the geometry that
// most of them speak for.
func (t *Table) checkCHS() {
	var parts []Partition
	for _, p := range t.Partitions {
		if p.Type != 0 && p.Sectors > 0 && p.Type != typeProtective {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return
	}
	g := guessGeometry(parts)
	t.Geometry = &g
	for _, p := range parts {
		at := t.entryOffset(p.Record, (p.Number-1)%4)
		if p.Number > 4 {
			at = t.entryOffset(p.Record, 0)
		}
		for _, end := range []struct {
			name string
			chs  CHS
			lba  uint64
		}{{"start", p.First, p.Start}, {"end", p.Last, p.End()}} {
			switch {
			case end.chs.Sector == 0 && !end.chs.zero():
				t.find(CHSInvalid, p.Number, at, "the %s of partition %d is CHS %s: sectors count from 1", end.name, p.Number, end.chs)
			case !g.agrees(end.chs, end.lba):
				t.find(CHSMismatch, p.Number, at, "the %s of partition %d is CHS %s, but sector %d is %s with %d heads and %d sectors a track",
					end.name, p.Number, end.chs, end.lba, g.chs(end.lba), g.Heads, g.Sectors)
			}
		}
	}
}

// span is a stretch of sectors that one thing claims.
type span struct {
	name        string
	number      int
	first, last uint64
	offset      int64
}

// overlaps calls report for each span that starts before an earlier one ends.
func overlaps(spans []span, report func(earlier, later span)) {
	sort.SliceStable(spans, func(i, j int) bool { return spans[i].first < spans[j].first })
	for i, furthest := 1, 0; i < len(spans); i++ {
		if spans[i].first <= spans[furthest].last {
			report(spans[furthest], spans[i])
		}
		if spans[i].last > spans[furthest].last {
			furthest = i
		}
	}
}

// checkOverlap looks for sectors claimed twice: among the primary partitions,
// and among the logical ones and the records that describe them.
func (t *Table) checkOverlap() {
	var primary, logical []span
	records := map[uint64]bool{}
	for _, p := range t.Partitions {
		if p.Type == 0 || p.Sectors == 0 || t.GPT != nil && p.Type == typeProtective && !t.Hybrid {
			continue
		}
		s := span{name: "partition " + itoa(p.Number), number: p.Number, first: p.Start, last: p.End()}
		if p.Number <= 4 {
			s.offset = t.entryOffset(0, p.Number-1)
			primary = append(primary, s)
			continue
		}
		s.offset = t.entryOffset(p.Record, 0)
		logical = append(logical, s)
		if !records[p.Record] {
			records[p.Record] = true
			logical = append(logical, span{name: "the boot record of partition " + itoa(p.Number), number: p.Number, first: p.Record, last: p.Record, offset: s.offset})
		}
	}
	for _, spans := range [][]span{primary, logical} {
		overlaps(spans, func(a, b span) {
			t.find(Overlap, b.number, b.offset, "%s (sectors %d to %d) and %s (%d to %d) overlap from sector %d to %d",
				a.name, a.first, a.last, b.name, b.first, b.last, b.first, min(a.last, b.last))
		})
	}
}
