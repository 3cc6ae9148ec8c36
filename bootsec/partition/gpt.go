package partition

import (
	"fmt"
	"hash/crc32"
	"io"
	"unicode/utf16"

	"github.com/seed-eedd8485/lpc/bin"
)

// The layout of a header and of an entry: UEFI specification, section 5.3.
const (
	gptMagic       = 0x5452415020494645 // "EFI PART"
	gptHeaderBytes = 92
	gptEntryBytes  = 128
	maxEntries     = 4096    // sgdisk makes 128; more than this is damage
	maxEntryArray  = 4 << 20 // bytes
)

// GPTDisk is a GPT as its two headers give it.
type GPTDisk struct {
	DiskGUID    GUID       `json:"id"`
	FirstUsable uint64     `json:"firstlba"`
	LastUsable  uint64     `json:"lastlba"`
	From        string     `json:"from"` // "primary" or "backup": whose entries follow
	Primary     *Header    `json:"primary,omitempty"`
	Backup      *Header    `json:"backup,omitempty"`
	Entries     []GPTEntry `json:"partitions"`
}

// Header is one of the two headers.
type Header struct {
	LBA        uint64 `json:"lba"` // where it was read
	Revision   uint32 `json:"revision"`
	HeaderSize uint32 `json:"headersize"`
	CRC        uint32 `json:"crc"`
	CRCGood    bool   `json:"crcgood"`
	MyLBA      uint64 `json:"mylba"`
	Alternate  uint64 `json:"alternatelba"`
	First      uint64 `json:"firstlba"`
	Last       uint64 `json:"lastlba"`
	DiskGUID   GUID   `json:"id"`
	EntriesLBA uint64 `json:"entrieslba"`
	Count      uint32 `json:"entries"`
	EntrySize  uint32 `json:"entrysize"`
	EntriesCRC uint32 `json:"entriescrc"`
	ArrayGood  bool   `json:"entriescrcgood"`

	raw     []byte     // the header's bytes, for its CRC
	entries []GPTEntry // the used ones
}

// GPTEntry is one partition of a GPT.
type GPTEntry struct {
	Number     int         `json:"number"` // by place in the array, from 1
	Type       GUID        `json:"type"`
	TypeName   string      `json:"typename"`
	GUID       GUID        `json:"uuid"`
	First      uint64      `json:"start"`
	Last       uint64      `json:"end"`
	Attributes uint64      `json:"attrs"`
	Name       string      `json:"name"`
	Boot       *BootRecord `json:"volume,omitempty"`
}

// Sectors returns the length, 0 if the entry is reversed.
func (e GPTEntry) Sectors() uint64 {
	if e.Last < e.First {
		return 0
	}
	return e.Last - e.First + 1
}

// readGPT looks for both headers and takes the partitions from the first sound
// one. Without a protective entry and without headers there is no GPT.
func (t *Table) readGPT(r io.ReaderAt) {
	protective := t.protective()
	if !t.Whole {
		t.Hybrid = protective != nil && t.others()
		return
	}
	t.findSectorSize(r)
	last := t.Sectors() - 1
	primary, perr := t.readHeader(r, "primary GPT header", 1)
	alternate := last
	if perr == nil && primary.Alternate > 1 && primary.Alternate < last {
		alternate = primary.Alternate // a disk that has grown
	}
	backup, berr := t.readHeader(r, "backup GPT header", alternate)
	if perr != nil && berr != nil {
		if protective != nil {
			t.find(GPTMissing, protective.Number, t.SectorSize, "partition %d has type EE, but neither sector 1 nor sector %d holds a GPT header: %v", protective.Number, last, perr)
		}
		return
	}
	t.Scheme = GPT
	t.GPT = &GPTDisk{Primary: primary, Backup: backup}
	if perr != nil {
		t.find(GPTSignature, 0, t.SectorSize, "the primary GPT header is missing: %v", perr)
	} else {
		t.checkHeader(r, "primary", primary, 1, alternate, last)
	}
	if berr != nil {
		t.find(GPTSignature, 0, int64(alternate)*t.SectorSize, "the backup GPT header is missing: %v", berr)
	} else {
		t.checkHeader(r, "backup", backup, alternate, 1, last)
	}
	t.compareHeaders()
	t.takeEntries()
	t.checkProtective(protective, last)
}

// findSectorSize believes a header that stands where sector 1 of a disk with
// sectors of 4096 bytes is.
func (t *Table) findSectorSize(r io.ReaderAt) {
	for _, size := range []int64{SectorBytes, 4096} {
		br := bin.New("GPT header", r, t.Size)
		br.Seek("signature", min(size, t.Size))
		if br.U64("signature") == gptMagic && t.Size >= 2*size {
			t.SectorSize = size
			return
		}
	}
}

// readHeader reads the header in a sector; the error says why there is none.
func (t *Table) readHeader(r io.ReaderAt, what string, lba uint64) (*Header, error) {
	if n := t.Sectors(); lba >= n {
		return nil, fmt.Errorf("reading %s: sector %d is behind the end of the disk, which has %d sectors", what, lba, n)
	}
	br := bin.New(what, r, t.Size).Sub(what, int64(lba)*t.SectorSize, min(t.SectorSize, t.Size-int64(lba)*t.SectorSize))
	if magic := br.U64("signature"); magic != gptMagic {
		if err := br.Err(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("reading %s: sector %d starts with %016x, expected %016x, which is EFI PART", what, lba, magic, uint64(gptMagic))
	}
	h := &Header{LBA: lba, Revision: br.U32("revision"), HeaderSize: br.U32("header size"), CRC: br.U32("header CRC")}
	br.Skip("reserved field", 4)
	h.MyLBA, h.Alternate = br.U64("own LBA"), br.U64("alternate LBA")
	h.First, h.Last = br.U64("first usable LBA"), br.U64("last usable LBA")
	br.Fill("disk GUID", h.DiskGUID[:])
	h.EntriesLBA, h.Count, h.EntrySize, h.EntriesCRC = br.U64("entries LBA"), br.U32("number of entries"), br.U32("entry size"), br.U32("entries CRC")
	size := int64(h.HeaderSize)
	if size < gptHeaderBytes || size > t.SectorSize {
		size = gptHeaderBytes // checkHeader reports it
	}
	br.Seek("header", 0)
	h.raw = br.Bytes("header", size, t.SectorSize)
	if err := br.Err(); err != nil {
		return nil, err
	}
	h.CRCGood = headerCRC(h.raw) == h.CRC
	return h, nil
}

// headerCRC is the CRC-32 of a header with its CRC field taken as zero.
func headerCRC(raw []byte) uint32 {
	b := append([]byte(nil), raw...)
	clear(b[16:20])
	return crc32.ChecksumIEEE(b)
}

// readEntries reads the entry array of a header, and its CRC.
func (t *Table) readEntries(r io.ReaderAt, which string, h *Header) error {
	what := which + " GPT entry array"
	if h.EntriesLBA >= t.Sectors() {
		return fmt.Errorf("reading %s: it should start in sector %d, the disk has %d sectors", what, h.EntriesLBA, t.Sectors())
	}
	br := bin.New(what, r, t.Size)
	br.Seek("first entry", int64(h.EntriesLBA)*t.SectorSize)
	n := br.Count("entries", uint64(h.Count), int64(h.EntrySize), maxEntries)
	data := br.Bytes("entries", int64(n)*int64(h.EntrySize), maxEntryArray)
	if err := br.Err(); err != nil {
		return err
	}
	h.ArrayGood = crc32.ChecksumIEEE(data) == h.EntriesCRC
	for i := range n {
		if e := parseGPTEntry(data[i*int(h.EntrySize):][:gptEntryBytes], i+1); !e.Type.zero() {
			h.entries = append(h.entries, e)
		}
	}
	return nil
}

func parseGPTEntry(b []byte, number int) GPTEntry {
	br := bin.FromBytes("GPT entry", b)
	e := GPTEntry{Number: number}
	br.Fill("type", e.Type[:])
	br.Fill("GUID", e.GUID[:])
	e.First, e.Last, e.Attributes = br.U64("first LBA"), br.U64("last LBA"), br.U64("attributes")
	e.TypeName = e.Type.typeName()
	var name []uint16
	for range 36 {
		c := br.U16("name")
		if c == 0 {
			break
		}
		name = append(name, c)
	}
	e.Name = string(utf16.Decode(name))
	return e
}
