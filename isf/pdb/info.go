package pdb

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Identity is what an image's debug directory names its database by. A database
// belongs to an image when GUID and Age are equal.
type Identity struct {
	GUID [16]byte // as it stands in the file: three little-endian fields, then eight bytes
	Age  uint32   // how often the image was linked into this database
}

// String is the identity as symbol servers write it into a path: the GUID's 32
// hexadecimal digits in upper case, then the age in hexadecimal.
func (id Identity) String() string { return fmt.Sprintf("%s%X", guidText(id.GUID), id.Age) }

// GUIDText is the GUID alone, as ISF files have it: 32 hexadecimal digits in upper
// case.
func (id Identity) GUIDText() string { return guidText(id.GUID) }

func guidText(g [16]byte) string {
	return fmt.Sprintf("%08X%04X%04X%X", binary.LittleEndian.Uint32(g[:]), binary.LittleEndian.Uint16(g[4:]),
		binary.LittleEndian.Uint16(g[6:]), g[8:])
}

// info is the PDB stream, number 1 (LLVM, "The PDB Info Stream").
type info struct {
	version uint32
	guid    [16]byte
	age     uint32         // counts every change of the file; the image has the DBI stream's
	named   map[string]int // streams by name
	ids     bool           // stream 4 is the IPI stream, and not what else bears its number
}

// Features stand behind the named streams; those of 2012 and later have an IPI
// stream.
const (
	featureVC110 = 20091201
	featureVC140 = 20140508
)

func readInfo(data []byte) (info, error) {
	c := newCursor("PDB info stream", data)
	in := info{version: c.U32("version")}
	c.U32("signature")
	in.age = c.U32("age")
	if c.err() == nil && in.version < 20000404 { // VC70, the first with a GUID
		return in, fmt.Errorf("the PDB info stream has version %d, expected 20000404 or later", in.version)
	}
	c.Fill("GUID", in.guid[:])
	in.named = namedStreams(&c)
	for c.Left() >= 4 {
		f := c.U32("a feature")
		in.ids = in.ids || f == featureVC110 || f == featureVC140
	}
	return in, c.err()
}

// namedStreams reads a hash table that was written as it stood in memory: names
// in one buffer, then buckets, of which a bit map tells which are in use.
func namedStreams(c *cursor) map[string]int {
	names := stringTable(c.Bytes("names of streams", int64(c.U32("size of the names")), c.Size()))
	c.U32("number of named streams")
	c.U32("capacity of the table")
	present := bitmap(c, "buckets in use")
	bitmap(c, "buckets deleted")
	out := map[string]int{}
	for range present {
		at, stream := c.U32("offset of a name"), c.U32("stream of a name")
		if c.err() != nil {
			break
		}
		if name := names.at(at); name != "" {
			out[name] = int(stream)
		}
	}
	return out
}

// bitmap reads words and counts their bits.
func bitmap(c *cursor, field string) int {
	bits := 0
	for range c.Count(field, uint64(c.U32(field)), 4, c.Size()) {
		for w := c.U32(field); w != 0; w &= w - 1 {
			bits++
		}
	}
	return bits
}

// stringTable are strings by offset, each with a zero behind: those of the stream
// "/names", and the names of streams.
type stringTable string

// maxString is more than a name of a stream or a program of a frame has.
const maxString = 4096

// readStringTable reads the stream "/names": a header, then the strings.
func readStringTable(data []byte) (stringTable, error) {
	if len(data) == 0 {
		return "", nil
	}
	c := newCursor("string table", data)
	if sig := c.U32("signature"); c.err() == nil && sig != 0xeffeeffe {
		return "", fmt.Errorf("the string table begins with %#x, expected 0xeffeeffe", sig)
	}
	c.U32("version")
	b := c.Bytes("strings", int64(c.U32("size of the strings")), c.Size())
	return stringTable(b), c.err()
}

// at is the string at an offset, "" where there is none of at most maxString bytes. It
// is a part of the table: entries without number may name one string.
func (t stringTable) at(off uint32) string {
	if int64(off) >= int64(len(t)) {
		return ""
	}
	rest := string(t[off:])
	end := strings.IndexByte(rest[:min(maxString+1, len(rest))], 0)
	return rest[:max(end, 0)]
}
