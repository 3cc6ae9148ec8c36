package partition

import "io"

// checkHeader checks one header, that was read from sector lba and whose twin
// should be in sector other, and reads its entries.
func (t *Table) checkHeader(r io.ReaderAt, which string, h *Header, lba, other, last uint64) {
	at := int64(lba) * t.SectorSize
	if h.Revision != 0x10000 {
		t.find(GPTRevision, 0, at+8, "the %s GPT header has revision %08X, expected 00010000", which, h.Revision)
	}
	if h.HeaderSize < gptHeaderBytes || int64(h.HeaderSize) > t.SectorSize {
		t.find(GPTHeaderSize, 0, at+12, "the %s GPT header says that it has %d bytes, expected 92 to %d", which, h.HeaderSize, t.SectorSize)
	}
	if !h.CRCGood {
		t.find(GPTHeaderCRC, 0, at+16, "the %s GPT header has CRC %08X, its bytes give %08X", which, h.CRC, headerCRC(h.raw))
	}
	if h.MyLBA != lba {
		t.find(GPTMyLBA, 0, at+24, "the %s GPT header stands in sector %d and says %d", which, lba, h.MyLBA)
	}
	if want := last; which == "primary" && h.Alternate != want {
		t.find(GPTAlternate, 0, at+32, "the primary GPT header places the backup in sector %d, the last one is %d: the disk has another size than when it was partitioned", h.Alternate, want)
	} else if which == "backup" && h.Alternate != other {
		t.find(GPTAlternate, 0, at+32, "the backup GPT header places the primary in sector %d, expected %d", h.Alternate, other)
	}
	if h.First > h.Last || h.Last > last {
		t.find(GPTUsable, 0, at+40, "the %s GPT header gives %d to %d as usable, the disk ends at %d", which, h.First, h.Last, last)
	}
	if h.EntrySize < gptEntryBytes || h.EntrySize%8 != 0 || h.Count == 0 || h.Count > maxEntries || uint64(h.Count)*uint64(h.EntrySize) > maxEntryArray {
		t.find(GPTEntrySize, 0, at+80, "the %s GPT header has %d entries of %d bytes, expected 1 to %d of 128 or more", which, h.Count, h.EntrySize, maxEntries)
		return
	}
	if err := t.readEntries(r, which, h); err != nil {
		t.find(GPTEntriesLBA, 0, at+72, "the %s GPT entries are not to be had: %v", which, err)
		return
	}
	if !h.ArrayGood {
		t.find(GPTEntriesCRC, 0, at+88, "the %s GPT entries do not give the CRC %08X that the header has", which, h.EntriesCRC)
	}
}

// sound reports whether a header can be believed.
func (h *Header) sound() bool { return h != nil && h.CRCGood && h.ArrayGood }

// compareHeaders holds two sound headers against each other.
func (t *Table) compareHeaders() {
	a, b := t.GPT.Primary, t.GPT.Backup
	if !a.sound() || !b.sound() {
		return
	}
	if a.DiskGUID != b.DiskGUID || a.First != b.First || a.Last != b.Last || a.Count != b.Count || a.EntrySize != b.EntrySize || a.EntriesCRC != b.EntriesCRC {
		t.find(GPTDiffer, 0, int64(b.LBA)*t.SectorSize, "the primary and the backup GPT are both intact and differ (disk %s and %s, entries' CRC %08X and %08X)",
			a.DiskGUID, b.DiskGUID, a.EntriesCRC, b.EntriesCRC)
	}
}

// takeEntries takes disk GUID and partitions from the primary, from the backup
// if only that is sound, and checks them.
func (t *Table) takeEntries() {
	g := t.GPT
	h := g.Primary
	g.From = "primary"
	if h == nil || !h.sound() && g.Backup.sound() {
		h = g.Backup
		g.From = "backup"
	}
	g.DiskGUID, g.FirstUsable, g.LastUsable, g.Entries = h.DiskGUID, h.First, h.Last, append([]GPTEntry{}, h.entries...)
	seen := map[GUID]int{}
	var spans []span
	for _, e := range g.Entries {
		at := int64(h.EntriesLBA)*t.SectorSize + int64(e.Number-1)*int64(h.EntrySize)
		if e.First > e.Last {
			t.find(GPTReversed, e.Number, at+32, "GPT partition %d ends at sector %d before it starts at %d", e.Number, e.Last, e.First)
			continue
		}
		if e.First < h.First || e.Last > h.Last {
			t.find(GPTOutside, e.Number, at+32, "GPT partition %d (sectors %d to %d) reaches out of the usable range (%d to %d)", e.Number, e.First, e.Last, h.First, h.Last)
		}
		if n, twice := seen[e.GUID]; twice {
			t.find(GPTDuplicate, e.Number, at+16, "GPT partition %d has the GUID of partition %d: %s", e.Number, n, e.GUID)
		}
		seen[e.GUID] = e.Number
		spans = append(spans, span{name: "GPT partition " + itoa(e.Number), number: e.Number, first: e.First, last: e.Last, offset: at + 32})
	}
	overlaps(spans, func(a, b span) {
		t.find(GPTOverlap, b.number, b.offset, "%s (sectors %d to %d) and %s (%d to %d) overlap", a.name, a.first, a.last, b.name, b.first, b.last)
	})
}

// protective returns the first entry of type EE.
func (t *Table) protective() *Partition {
	for i := range t.Partitions {
		if t.Partitions[i].Type == typeProtective {
			return &t.Partitions[i]
		}
	}
	return nil
}

// others reports whether the MBR has entries besides those of type EE.
func (t *Table) others() bool {
	for _, p := range t.Partitions {
		if p.Type != 0 && p.Type != typeProtective {
			return true
		}
	}
	return false
}

// checkProtective checks the MBR in front of a GPT: UEFI specification, section
// 5.2.3. The length may be all ones where the disk is too large for 32 bits,
// and parted writes it so for any disk.
func (t *Table) checkProtective(p *Partition, last uint64) {
	if p == nil {
		t.find(GPTUnprotected, 0, tableOffset, "the disk has a GPT, but its MBR has no entry of type EE: older tools take the disk for what the MBR says")
		return
	}
	at := t.entryOffset(0, p.Number-1)
	if t.Hybrid = t.others(); t.Hybrid {
		t.find(Hybrid, p.Number, at, "hybrid MBR: besides the entry of type EE it has other partitions; GPT and MBR can drift apart")
		return
	}
	const all = 1<<32 - 1
	if p.Start != 1 || p.Sectors != all && p.Sectors != min(last, all) {
		t.find(GPTProtective, p.Number, at, "the protective entry covers %d sectors from sector %d, expected %d from sector 1", p.Sectors, p.Start, min(last, all))
	}
	if p.Status != 0 {
		t.find(GPTProtective, p.Number, at, "the protective entry has status %02X, expected 00", p.Status)
	}
}
