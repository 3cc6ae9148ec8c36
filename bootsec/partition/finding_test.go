package partition

import (
	"encoding/binary"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

var le = binary.LittleEndian

// patch returns the bytes at an offset of a sector, to be written to.
func (m *image) patch(n int64, off int) []byte { return m.sector(n)[off:] }

// entryAt returns entry i of the record in sector n.
func (m *image) entryAt(n int64, i int) []byte { return m.patch(n, tableOffset+i*entryBytes) }

// badRead fails in one sector.
type badRead struct {
	*image
	sector int64
}

func (b badRead) ReadAt(p []byte, off int64) (int, error) {
	if off/SectorBytes == b.sector {
		return 0, errors.New("input/output error")
	}
	return b.image.ReadAt(p, off)
}

// findingCases damage a sound disk in one way each. The finding must have the
// number and offset given, and say the words.
var findingCases = []struct {
	code   Code
	make   func() *image
	number int
	offset int64
	says   string
}{
	{ShortSector, func() *image { m := newImage(1); m.size = 440; return m }, 0, 440, "the file has 440 bytes"},
	{NoSignature, func() *image { m := newDOS(); m.patch(0, 0x1fe)[0] = 0; return m }, 0, 0x1fe, "ends in 00 AA at 1FE, expected 55 AA"},
	{NotTable, func() *image {
		m := newImage(2048)
		m.sign(0)
		for i := range m.sector(0)[tableOffset:signatureOffset] {
			m.sector(0)[tableOffset+i] = byte(0x11 + 7*i)
		}
		return m
	}, 0, 0x1be, "no partition table"},
	{CopyProtected, func() *image { m := newDOS(); le.PutUint16(m.patch(0, 0x1bc), 0x5a5a); return m }, 0, 0x1bc, "5A5A"},
	{NotChecked, func() *image { m := newDOS(); m.size = 512; return m }, 0, 0, "sector 0 alone"},
	{BadStatus, func() *image { m := newDOS(); m.entryAt(0, 1)[0] = 0x81; return m }, 2, 0x1ce, "partition 2 has status 81, expected 00 or 80"},
	{BadStatus, func() *image { m := newDOS(); m.entryAt(65536, 0)[0] = 7; return m }, 5, 65536*512 + 0x1be, "partition 5 has status 07"},
	{TwoActive, func() *image { m := newDOS(); m.entryAt(0, 1)[0] = 0x80; return m }, 2, 0x1ce, "partition 2 is active as well as partition 1"},
	{TwoActive, func() *image { m := newDOS(); m.entryAt(0, 1)[0] = 0x80; m.entryAt(0, 2)[0] = 0x80; return m }, 3, 0x1de, "partition 3 is active too"},
	{NoActive, func() *image { m := newDOS(); m.entryAt(0, 0)[0] = 0; return m }, 0, 0x1be, "no partition is active"},
	{Overlap, func() *image { m := newDOS(); m.entry(0, 1, 0, 0x82, 43007, 20480); return m }, 2, 0x1ce, "partition 1 (sectors 2048 to 43007) and partition 2 (43007 to 63486) overlap from sector 43007 to 43007"},
	{Overlap, func() *image { m := newDOS(); m.entry(65536, 0, 0, 0x83, 2048, 38913); return m }, 6, 106496*512 + 0x1be, "the boot record of partition 6"},
	{BeyondEnd, func() *image { m := newDOS(); m.size = 196607 * 512; return m }, 3, 0x1de, "partition 3 ends at sector 196607, the disk at sector 196606"},
	{StartsAtZero, func() *image { m := newDOS(); m.entry(0, 0, 0x80, 0x83, 0, 40960); return m }, 1, 0x1be, "starts at sector 0"},
	{NoSectors, func() *image { m := newDOS(); le.PutUint32(m.entryAt(0, 1)[12:], 0); return m }, 2, 0x1ce, "type 82 but no sectors"},
	{NoType, func() *image { m := newDOS(); m.entryAt(0, 1)[4] = 0; return m }, 2, 0x1ce, "20480 sectors but type 00"},
	{CHSInvalid, func() *image { m := newDOS(); m.entryAt(0, 0)[2] = 0; return m }, 1, 0x1be, "the start of partition 1 is CHS 0/32/0"},
	{CHSMismatch, func() *image { m := newDOS(); m.entryAt(0, 0)[1]++; return m }, 1, 0x1be, "the start of partition 1 is CHS 0/33/33, but sector 2048 is 0/32/33 with 255 heads and 63 sectors a track"},
	{CHSMismatch, func() *image { m := newDOS(); m.entryAt(106496, 0)[7] = 9; return m }, 6, 106496*512 + 0x1be, "the end of partition 6"},
	{TwoExtended, func() *image {
		m := newDOS()
		m.entry(0, 3, 0, 0x05, 196608, 65536)
		m.sign(196608)
		return m
	}, 4, 0x1ee, "second extended partition"},
	{ChainLoop, func() *image { m := newDOS(); m.entry(106496, 1, 0, 5, 0, 2048); return m }, 3, 65536 * 512, "returns to the record in sector 65536"},
	{ChainLoop, func() *image { m := newDOS(); m.entry(106496, 1, 0, 5, 40960, 2048); return m }, 3, 106496 * 512, "returns to the record in sector 106496"},
	{ChainOutside, func() *image { m := newDOS(); m.entry(65536, 1, 0, 5, 131072, 40960); return m }, 3, 65536*512 + 0x1ce, "is sector 196608, the extended partition ends at 196607"},
	{ChainSignature, func() *image { m := newDOS(); m.patch(106496, 0x1ff)[0] = 0; return m }, 3, 106496*512 + 0x1fe, "in sector 106496 ends in 55 00"},
	{ChainTooLong, func() *image {
		m := newDOS()
		for i := range int64(300) {
			m.sign(65536 + i)
			m.entry(65536+i, 0, 0, 0x83, 1000, 1)
			m.entry(65536+i, 1, 0, 5, uint32(i+1), 10)
		}
		return m
	}, 3, (65536 + 256) * 512, "more than 256 records"},
	{ChainEntry, func() *image { m := newDOS(); m.entry(65536, 2, 0, 0x83, 1, 1); return m }, 3, 65536*512 + 0x1de, "uses entry 3"},
	{ChainEntry, func() *image { m := newDOS(); m.entryAt(65536, 1)[4] = 0x83; return m }, 3, 65536*512 + 0x1ce, "has type 83, expected 05, 0F or 85"},
	{ChainUnread, func() *image { m := newDOS(); m.size = 65536 * 512; return m }, 3, 65536 * 512, "sector 65536 is behind the end of the disk, which has 65536 sectors"},
	{LogicalOutside, func() *image { m := newDOS(); m.entry(106496, 0, 0, 7, 2048, 100000); return m }, 6, 106496*512 + 0x1be, "reaches out of extended partition 3 (65536 to 196607)"},
	{LogicalActive, func() *image { m := newDOS(); m.entryAt(65536, 0)[0] = 0x80; return m }, 5, 65536*512 + 0x1be, "logical partition 5 is active"},

	{GPTMissing, func() *image { m := newGPT(); m.sector(1)[0] = 0; m.sector(262143)[0] = 0; return m }, 1, 512, "neither sector 1 nor sector 262143"},
	{GPTSignature, func() *image { m := newGPT(); m.sector(1)[0] = 0; return m }, 0, 512, "the primary GPT header is missing"},
	{GPTSignature, func() *image { m := newGPT(); m.sector(262143)[7] = 0; return m }, 0, 262143 * 512, "the backup GPT header is missing"},
	{GPTRevision, func() *image { m := newGPT(); m.sector(1)[8] = 1; m.seal(); return m }, 0, 512 + 8, "revision 00010001"},
	{GPTHeaderSize, func() *image { m := newGPT(); m.sector(1)[12] = 20; return m }, 0, 512 + 12, "20 bytes, expected 92 to 512"},
	{GPTHeaderCRC, func() *image { m := newGPT(); m.sector(1)[60] ^= 1; return m }, 0, 512 + 16, "the primary GPT header has CRC"},
	{GPTHeaderCRC, func() *image { m := newGPT(); m.sector(262143)[60] ^= 1; return m }, 0, 262143*512 + 16, "the backup GPT header has CRC"},
	{GPTMyLBA, func() *image { m := newGPT(); m.sector(1)[24] = 9; m.seal(); return m }, 0, 512 + 24, "stands in sector 1 and says 9"},
	{GPTAlternate, func() *image { m := newGPT(); m.size += 100 * 512; return m }, 0, 512 + 32, "places the backup in sector 262143, the last one is 262243"},
	{GPTAlternate, func() *image { m := newGPT(); m.sector(262143)[32] = 7; m.seal(); return m }, 0, 262143*512 + 32, "places the primary in sector 7"},
	{GPTUsable, func() *image { m := newGPT(); le.PutUint64(m.patch(1, 48), 262144); m.seal(); return m }, 0, 512 + 40, "gives 34 to 262144 as usable"},
	{GPTEntrySize, func() *image { m := newGPT(); le.PutUint32(m.patch(1, 84), 64); m.seal(); return m }, 0, 512 + 80, "128 entries of 64 bytes"},
	{GPTEntrySize, func() *image { m := newGPT(); le.PutUint32(m.patch(1, 80), 0xffffffff); m.seal(); return m }, 0, 512 + 80, "4294967295 entries"},
	{GPTEntriesLBA, func() *image { m := newGPT(); le.PutUint64(m.patch(1, 72), 1<<60); m.seal(); return m }, 0, 512 + 72, "should start in sector 1152921504606846976"},
	{GPTEntriesLBA, func() *image { m := newGPT(); le.PutUint64(m.patch(1, 72), 262143); m.seal(); return m }, 0, 512 + 72, "16384 bytes expected, 512 left"},
	{GPTEntriesCRC, func() *image { m := newGPT(); m.sector(2)[56] ^= 1; return m }, 0, 512 + 88, "the primary GPT entries do not give the CRC"},
	{GPTDiffer, func() *image { m := newGPT(); m.sector(1)[56] ^= 1; m.seal(); return m }, 0, 262143 * 512, "both intact and differ"},
	{GPTOutside, func() *image { m := newGPT(); le.PutUint64(m.patch(2, 32), 33); m.seal(); return m }, 1, 2*512 + 32, "(sectors 33 to 43007) reaches out of the usable range (34 to 262110)"},
	{GPTReversed, func() *image { m := newGPT(); le.PutUint64(m.patch(2, 32), 43008); m.seal(); return m }, 1, 2*512 + 32, "ends at sector 43007 before it starts at 43008"},
	{GPTOverlap, func() *image { m := newGPT(); le.PutUint64(m.patch(2, 40), 43008); m.seal(); return m }, 2, 2*512 + 128 + 32, "GPT partition 1 (sectors 2048 to 43008) and GPT partition 2"},
	{GPTDuplicate, func() *image {
		m := newGPT()
		copy(m.patch(2, 128+16), m.patch(2, 16)[:16])
		m.seal()
		return m
	}, 2, 2*512 + 128 + 16, "has the GUID of partition 1: 11111111-2222-3333-4444-555555555555"},
	{GPTUnprotected, func() *image { m := newGPT(); m.entryAt(0, 0)[4] = 0x83; return m }, 0, 0x1be, "no entry of type EE"},
	{GPTProtective, func() *image { m := newGPT(); m.entry(0, 0, 0, 0xee, 1, 1000); return m }, 1, 0x1be, "covers 1000 sectors from sector 1, expected 262143"},
	{GPTProtective, func() *image { m := newGPT(); m.entryAt(0, 0)[0] = 0x80; return m }, 1, 0x1be, "status 80, expected 00"},
	{Hybrid, func() *image {
		m := newGPT()
		m.entry(0, 0, 0, 0xee, 1, 2047)
		m.entry(0, 1, 0x80, 0x0c, 2048, 40960)
		return m
	}, 1, 0x1be, "hybrid MBR"},
	{VolumeNoBoot, func() *image { m := newDOS(); m.sector(2048)[0x1fe] = 0; return m }, 1, 2048*512 + 0x1fe, "partition 1 is active, but its first sector ends in 00 AA"},
	{VolumeType, func() *image { m := newDOS(); m.fatRecord(106496+2048, 2048, 10240); return m }, 6, (106496 + 2048) * 512, "type 07 (HPFS/NTFS/exFAT), but starts with a boot record of FAT32"},
	{VolumeHidden, func() *image { m := newDOS(); m.ntfsRecord(106496+2048, 63, 10239); return m }, 6, (106496+2048)*512 + 0x1c, "counts 63 hidden sectors, the partition starts at 108544"},
	{VolumeTooLong, func() *image { m := newDOS(); m.ntfsRecord(106496+2048, 108544, 10241); return m }, 6, (106496+2048)*512 + 0x20, "claims 10241 sectors, the partition has 10240"},
}

func TestEveryFinding(t *testing.T) {
	seen := map[Code]bool{VolumeUnread: true} // TestVolumeUnreadable
	for _, c := range findingCases {
		seen[c.code] = true
		table := c.make().read(t)
		found := false
		for _, f := range table.Findings {
			if f.Code == c.code && f.Number == c.number && strings.Contains(f.Text, c.says) {
				found = true
				if f.Offset != c.offset {
					t.Errorf("%s: offset %#x, want %#x", c.code, f.Offset, c.offset)
				}
				if f.Severity == "" || !strings.HasSuffix(f.String(), "["+string(c.code)+"]") {
					t.Errorf("%s: prints as %q", c.code, f)
				}
			}
		}
		if !found {
			t.Errorf("%s of partition %d, %q: not among %q", c.code, c.number, c.says, table.Findings)
		}
	}
	for code, name := range declaredCodes(t) {
		if !seen[code] {
			t.Errorf("finding %s (%s) has no test", name, code)
		}
	}
}

func TestVolumeUnreadable(t *testing.T) {
	m := newDOS()
	table, err := Read(badRead{m, 2048}, m.size)
	if err != nil {
		t.Fatal(err)
	}
	if len(table.Findings) != 1 || table.Findings[0].Code != VolumeUnread || table.Findings[0].Number != 1 {
		t.Errorf("findings %q, want volume-unreadable of partition 1", table.Findings)
	}
	if _, err := Read(badRead{m, 0}, m.size); err == nil || err.Error() != "reading partition table: reading boot sector of sector 0 at offset 0x0: input/output error" {
		t.Errorf("sector 0 unreadable: %v", err)
	}
	if _, err := Read(m, 0); err == nil || !strings.Contains(err.Error(), "the file is empty, expected a disk or its sector 0 of 512 bytes") {
		t.Errorf("empty file: %v", err)
	}
}

// A sound disk has nothing to find, and the limits themselves are no fault.
func TestNoFindings(t *testing.T) {
	for name, m := range map[string]*image{
		"dos": newDOS(),
		"gpt": newGPT(),
		"last sector": func() *image {
			m := newDOS()
			m.size = 196608 * 512 // partition 3 ends in the last one
			return m
		}(),
		"length of all ones": func() *image {
			m := newGPT()
			le.PutUint32(m.entryAt(0, 0)[12:], 0xffffffff)
			return m
		}(),
		"volumes": func() *image {
			m := newDOS()
			m.entry(0, 0, 0x80, 0x0c, 2048, 40960)
			m.fatRecord(2048, 2048, 40960)
			m.ntfsRecord(106496+2048, 108544, 10239)
			return m
		}(),
		"saturated CHS": func() *image {
			m := newDOS()
			copy(m.entryAt(0, 0)[1:], []byte{0xfe, 0xff, 0xff})
			copy(m.entryAt(0, 1)[5:], []byte{0, 0, 0})
			return m
		}(),
		"other geometry": func() *image {
			m := newImage(262144)
			m.sign(0)
			m.entry(0, 0, 0x80, 0x83, 32, 4064)
			g := Geometry{Heads: 64, Sectors: 32}
			putCHS(m.entryAt(0, 0)[1:], g.chs(32))
			putCHS(m.entryAt(0, 0)[5:], g.chs(32+4064-1))
			m.sign(32)
			return m
		}(),
	} {
		if table := m.read(t); len(table.Findings) > 0 {
			t.Errorf("%s: %q", name, table.Findings)
		}
	}
}

// declaredCodes reads the constants of type Code from finding.go.
func declaredCodes(t *testing.T) map[Code]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "finding.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[Code]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := v.Type.(*ast.Ident); ok && id.Name == "Code" {
			s, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes[Code(s)] = v.Names[0].Name
		}
		return true
	})
	if len(codes) < 40 {
		t.Fatalf("only %d codes found in finding.go", len(codes))
	}
	return codes
}
