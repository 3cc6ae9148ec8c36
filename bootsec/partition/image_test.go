package partition

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"testing"
	"unicode/utf16"
)

// image is a sparse disk: only the sectors that were written take memory.
type image struct {
	size    int64
	sectors map[int64][]byte
}

func newImage(sectors int64) *image {
	return &image{size: sectors * SectorBytes, sectors: map[int64][]byte{}}
}

// sector returns sector n for writing.
func (m *image) sector(n int64) []byte {
	if m.sectors[n] == nil {
		m.sectors[n] = make([]byte, SectorBytes)
	}
	return m.sectors[n]
}

// ReadAt implements io.ReaderAt.
func (m *image) ReadAt(p []byte, off int64) (int, error) {
	for n := range p {
		at := off + int64(n)
		if at >= m.size {
			return n, io.EOF
		}
		p[n] = 0
		if s := m.sectors[at/SectorBytes]; s != nil {
			p[n] = s[at%SectorBytes]
		}
	}
	return len(p), nil
}

func (m *image) read(t *testing.T) *Table {
	t.Helper()
	table, err := Read(m, m.size)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// sign puts 55 AA at the end of sector n.
func (m *image) sign(n int64) { copy(m.sector(n)[signatureOffset:], []byte{0x55, 0xaa}) }

// entry writes entry i of the record in sector n, with CHS values by 255 heads
// and 63 sectors.
func (m *image) entry(n int64, i int, status, kind uint8, start, sectors uint32) {
	b := m.sector(n)[tableOffset+i*entryBytes:][:entryBytes]
	g := Geometry{Heads: 255, Sectors: 63}
	b[0], b[4] = status, kind
	putCHS(b[1:], g.chs(uint64(n)+uint64(start)))
	putCHS(b[5:], g.chs(uint64(n)+uint64(start)+uint64(sectors)-1))
	binary.LittleEndian.PutUint32(b[8:], start)
	binary.LittleEndian.PutUint32(b[12:], sectors)
}

func putCHS(b []byte, c CHS) {
	b[0], b[1], b[2] = byte(c.Head), byte(c.Sector)|byte(c.Cylinder>>8<<6), byte(c.Cylinder)
}

// newDOS is a sound disk: an active Linux partition whose first sector is
// signed, a second one, and an extended one with two logical partitions.
func newDOS() *image {
	m := newImage(262144)
	m.sign(0)
	copy(m.sector(0), []byte{0xfa, 0x33, 0xc0})
	binary.LittleEndian.PutUint32(m.sector(0)[diskIDOffset:], 0xcafe1234)
	m.entry(0, 0, 0x80, 0x83, 2048, 40960)
	m.sign(2048)
	m.entry(0, 1, 0, 0x82, 43008, 20480)
	m.entry(0, 2, 0, 0x0f, 65536, 131072)
	m.sign(65536)
	m.entry(65536, 0, 0, 0x83, 2048, 30720)
	m.entry(65536, 1, 0, 0x05, 40960, 40960)
	m.sign(106496)
	m.entry(106496, 0, 0, 0x07, 2048, 10240)
	return m
}

// gptSpec is what newGPT writes; the tests change the bytes afterwards and call
// seal to make the CRCs right again.
type gptEntry struct {
	kind, guid  GUID
	first, last uint64
	name        string
}

var (
	linuxGUID = mustGUID("0FC63DAF-8483-4772-8E79-3D69D8477DE4")
	efiGUID   = mustGUID("C12A7328-F81F-11D2-BA4B-00A0C93EC93B")
)

func mustGUID(s string) (g GUID) {
	if err := g.UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return g
}

// newGPT is a sound disk with two partitions.
func newGPT() *image {
	m := newImage(262144)
	m.sign(0)
	m.entry(0, 0, 0, 0xee, 1, 262143)
	m.gptEntries([]gptEntry{
		{efiGUID, mustGUID("11111111-2222-3333-4444-555555555555"), 2048, 43007, "EFI"},
		{linuxGUID, mustGUID("01234567-89AB-CDEF-0123-456789ABCDEF"), 43008, 262110, "système"},
	})
	m.header(1, 262143, 2)
	m.header(262143, 1, 262111)
	m.seal()
	return m
}

// gptEntries writes both arrays.
func (m *image) gptEntries(list []gptEntry) {
	for _, start := range []int64{2, m.size/SectorBytes - 33} {
		for i, e := range list {
			b := m.sector(start + int64(i/4))[i%4*gptEntryBytes:][:gptEntryBytes]
			copy(b[0:], e.kind[:])
			copy(b[16:], e.guid[:])
			binary.LittleEndian.PutUint64(b[32:], e.first)
			binary.LittleEndian.PutUint64(b[40:], e.last)
			for j, c := range utf16.Encode([]rune(e.name)) {
				binary.LittleEndian.PutUint16(b[56+2*j:], c)
			}
		}
	}
}

// header writes a header, its CRCs left to seal.
func (m *image) header(lba, other, entries int64) {
	b := m.sector(lba)
	le := binary.LittleEndian
	copy(b, "EFI PART")
	le.PutUint32(b[8:], 0x10000)
	le.PutUint32(b[12:], gptHeaderBytes)
	le.PutUint64(b[24:], uint64(lba))
	le.PutUint64(b[32:], uint64(other))
	le.PutUint64(b[40:], 34)
	le.PutUint64(b[48:], uint64(m.size/SectorBytes-34))
	guid := mustGUID("A0B1C2D3-0001-0002-0003-000000000004")
	copy(b[56:], guid[:])
	le.PutUint64(b[72:], uint64(entries))
	le.PutUint32(b[80:], 128)
	le.PutUint32(b[84:], 128)
}

// seal makes the CRCs of both headers right.
func (m *image) seal() {
	for _, lba := range []int64{1, m.size/SectorBytes - 1} {
		b := m.sector(lba)
		array := make([]byte, 128*128)
		start := int64(binary.LittleEndian.Uint64(b[72:])) * SectorBytes
		if start >= 0 && start+int64(len(array)) <= m.size {
			_, _ = m.ReadAt(array, start)
		}
		binary.LittleEndian.PutUint32(b[88:], crc32.ChecksumIEEE(array))
		n := min(binary.LittleEndian.Uint32(b[12:]), SectorBytes)
		if n < gptHeaderBytes {
			n = gptHeaderBytes
		}
		binary.LittleEndian.PutUint32(b[16:], headerCRC(b[:n]))
	}
}

// fatRecord makes sector n a FAT boot record.
func (m *image) fatRecord(n int64, hidden, sectors uint32) {
	b := m.sector(n)
	copy(b, "\xeb\x58\x90MSDOS5.0")
	binary.LittleEndian.PutUint16(b[0x0b:], 512)
	b[0x0d], b[0x0e], b[0x10], b[0x15] = 1, 32, 2, 0xf8
	binary.LittleEndian.PutUint32(b[0x1c:], hidden)
	binary.LittleEndian.PutUint32(b[0x20:], sectors)
	copy(b[0x43:], "\x78\x56\x34\x12STICK      FAT32   ")
	m.sign(n)
}

// ntfsRecord makes sector n an NTFS boot record.
func (m *image) ntfsRecord(n int64, hidden uint32, sectors uint64) {
	b := m.sector(n)
	copy(b, "\xeb\x52\x90NTFS    ")
	binary.LittleEndian.PutUint16(b[0x0b:], 512)
	b[0x0d], b[0x15] = 8, 0xf8
	binary.LittleEndian.PutUint32(b[0x1c:], hidden)
	binary.LittleEndian.PutUint64(b[0x28:], sectors)
	binary.LittleEndian.PutUint64(b[0x48:], 0x1122334455667788)
	m.sign(n)
}
