package partition

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
)

func TestWriteText(t *testing.T) {
	stick := newImage(2048)
	stick.fatRecord(0, 0, 2048)
	damaged := newGPT()
	damaged.gptEntries([]gptEntry{{linuxGUID, efiGUID, 2048, 4095, "\x1b[2J"}})
	damaged.seal()
	damaged.sector(1)[60] ^= 1
	hybrid := newGPT()
	hybrid.entry(0, 0, 0, 0xee, 1, 2047)
	hybrid.entry(0, 1, 0x80, 0x0c, 2048, 40960)
	hybrid.fatRecord(2048, 2048, 40960)
	alone := newDOS()
	alone.size = 512
	code := newImage(1)
	code.size = 440
	dos := newDOS()
	dos.ntfsRecord(106496+2048, 108544, 10239)
	dos.entryAt(0, 1)[0] = 0x7f
	for name, m := range map[string]*image{
		"dos.txt": dos, "gpt.txt": newGPT(), "gpt-damaged.txt": damaged, "hybrid.txt": hybrid,
		"stick.txt": stick, "sector0.txt": alone, "code.txt": code,
	} {
		var b bytes.Buffer
		if err := m.read(t).WriteText(&b); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsRune(b.String(), 0x1b) {
			t.Errorf("%s: a name's control characters reach the terminal", name)
		}
		golden.Text(t, name, b.String())
	}
}

func TestJSON(t *testing.T) {
	for name, m := range map[string]*image{"dos.json": newDOS(), "gpt.json": newGPT()} {
		b, err := json.MarshalIndent(m.read(t), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden.Text(t, name, string(b)+"\n")
	}
}

// Where the primary is damaged, the partitions come from the backup.
func TestBackupIsUsed(t *testing.T) {
	m := newGPT()
	m.sector(2)[32] ^= 1 // the primary's array
	table := m.read(t)
	if table.GPT.From != "backup" || table.GPT.Entries[0].First != 2048 {
		t.Errorf("from %s: %+v", table.GPT.From, table.GPT.Entries)
	}
	m = newGPT()
	m.sector(1)[0] = 0
	if table = m.read(t); table.GPT.From != "backup" || len(table.GPT.Entries) != 2 || table.GPT.Entries[1].Name != "système" {
		t.Errorf("from %s: %+v", table.GPT.From, table.GPT.Entries)
	}
}

// A header at byte 4096 shows sectors of 4096 bytes.
func TestLargeSectors(t *testing.T) {
	const sectors = 4096
	m := newImage(8 * sectors)
	m.sign(0)
	m.entry(0, 0, 0, 0xee, 1, sectors-1)
	for _, h := range []struct{ lba, other, entries uint64 }{{1, sectors - 1, 2}, {sectors - 1, 1, sectors - 5}} {
		array := bytes.Repeat([]byte{0}, 128*128)
		copy(array[0:], linuxGUID[:])
		copy(array[16:], efiGUID[:])
		le.PutUint64(array[32:], 256)
		le.PutUint64(array[40:], 511)
		for i := range len(array) / SectorBytes {
			copy(m.sector(int64(h.entries)*8+int64(i)), array[i*SectorBytes:])
		}
		m.header(int64(h.lba)*8, 0, 0)
		b := m.sector(int64(h.lba) * 8)
		for off, v := range map[int]uint64{24: h.lba, 32: h.other, 40: 6, 48: sectors - 6, 72: h.entries} {
			le.PutUint64(b[off:], v)
		}
		le.PutUint32(b[88:], crc32.ChecksumIEEE(array))
		le.PutUint32(b[16:], headerCRC(b[:gptHeaderBytes]))
	}
	table := m.read(t)
	if table.SectorSize != 4096 || len(table.Findings) > 0 || table.Sectors() != sectors || table.GPT == nil || table.GPT.Entries[0].Sectors() != 256 {
		t.Errorf("sectors of %d: %+v, findings %q", table.SectorSize, table.GPT, table.Findings)
	}
}

func TestSchemes(t *testing.T) {
	stick := newImage(2048)
	stick.fatRecord(0, 0, 2048)
	unsigned := newImage(2048)
	unsigned.sector(0)[0] = 0xfa
	unsigned.sector(0)[tableOffset] = 0x42
	text := newImage(1)
	copy(text.sector(0), strings.Repeat("no boot sector at all ", 20))
	for _, c := range []struct {
		name   string
		m      *image
		scheme Scheme
		kind   string
	}{
		{"dos", newDOS(), DOS, ""}, {"gpt", newGPT(), GPT, ""}, {"stick", stick, Volume, "FAT32"},
		{"no signature", unsigned, None, ""}, {"text", text, None, ""}, {"zeros", newImage(64), None, ""},
	} {
		table := c.m.read(t)
		kind := ""
		if table.Boot != nil {
			kind = table.Boot.Kind
		}
		if table.Scheme != c.scheme || kind != c.kind {
			t.Errorf("%s: scheme %s %s, want %s %s", c.name, table.Scheme, kind, c.scheme, c.kind)
		}
	}
}

func TestRecognise(t *testing.T) {
	fat := func(name string, at int) []byte {
		m := newImage(1)
		m.fatRecord(0, 0, 2048)
		clear(m.sector(0)[0x36:0x5a])
		copy(m.sector(0)[at:], name)
		return m.sector(0)
	}
	named := func(jump, oem string) []byte {
		m := newImage(1)
		copy(m.sector(0), jump+oem)
		m.sign(0)
		return m.sector(0)
	}
	dos2 := fat("", 0x36)
	dos2[0x11] = 112
	for _, c := range []struct {
		sector []byte
		kind   string
	}{
		{fat("FAT12   ", 0x36), "FAT12"}, {fat("FAT16   ", 0x36), "FAT16"}, {fat("FAT32   ", 0x52), "FAT32"},
		{fat("HPFS    ", 0x36), "HPFS"}, {dos2, "FAT"}, {fat("", 0x36), ""},
		{named("\xeb\x52\x90", "NTFS    "), "NTFS"}, {named("\xeb\x76\x90", "EXFAT   "), "exFAT"},
		{named("\xeb\x58\x90", "-FVE-FS-"), "BitLocker"}, {named("\xe9\x00\x01", "NTFS    "), "NTFS"},
		{named("\xeb\x63\x90", "GRUB    "), ""}, {named("\xfa\x33\xc0", "NTFS    "), ""}, {make([]byte, 512), ""},
	} {
		got := ""
		if b := recognise(c.sector); b != nil {
			got = b.Kind
		}
		if got != c.kind {
			t.Errorf("% x: %q, want %q", c.sector[:12], got, c.kind)
		}
	}
}

func TestGUID(t *testing.T) {
	for _, s := range []string{"", "x", "0FC63DAF-8483-4772-8E79-3D69D8477DE", "0FC63DAF84834772-8E79-3D69D8477DE4xx"} {
		var g GUID
		if err := g.UnmarshalText([]byte(s)); err == nil {
			t.Errorf("%q is taken for %s", s, g)
		}
	}
	// UEFI specification, appendix A: the EFI system partition's bytes.
	want := GUID{0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b}
	if efiGUID != want || want.String() != "C12A7328-F81F-11D2-BA4B-00A0C93EC93B" || want.typeName() != "EFI System" {
		t.Errorf("% x is %s, %s", efiGUID, want, want.typeName())
	}
}

// FuzzRead lays fuzzed bytes over the records of a sound disk: no panic, and
// every list bounded.
func FuzzRead(f *testing.F) {
	f.Add([]byte{0x80, 1, 1, 0, 5, 0xfe, 0xff, 0xff, 63, 0, 0, 0, 0, 0, 1, 0}, uint16(tableOffset), uint8(0), false)
	f.Add([]byte("EFI PART\x00\x00\x01\x00\xff\xff\xff\xff"), uint16(0), uint8(1), true)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, uint16(72), uint8(1), true)
	f.Add([]byte("\xeb\x52\x90NTFS    "), uint16(0), uint8(0), false)
	f.Fuzz(func(t *testing.T, data []byte, off uint16, where uint8, gpt bool) {
		m := newDOS()
		sectors := []int64{0, 65536, 106496, 2048}
		if gpt {
			m = newGPT()
			sectors = []int64{0, 1, 262143, 2}
		}
		copy(m.patch(sectors[where%4], int(off%SectorBytes)), data)
		if gpt && where&4 != 0 {
			m.seal()
		}
		table := m.read(t)
		if len(table.Partitions) > 4+4*maxLogical || table.GPT != nil && len(table.GPT.Entries) > maxEntries {
			t.Errorf("%d partitions", len(table.Partitions))
		}
		if err := table.WriteText(&bytes.Buffer{}); err != nil {
			t.Error(err)
		}
		if _, err := json.Marshal(table); err != nil {
			t.Error(err)
		}
	})
}
