package snapshot

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-eedd8485/lpc/internal/pool"
)

const (
	fileMagic  = "LPCSNAP\x00"
	version    = 1
	fileHeader = 16

	chunkMagic  = "LPCK"
	chunkHeader = 32

	kindInfo    = 1
	kindProcess = 2
	kindExtent  = 3
	kindEnd     = 4
)

const (
	pageSize  = 4096
	pages     = pool.ExtentSize / pageSize
	maxTorn   = pool.ExtentSize / 64 // blocks of an extent
	extentFix = 24                   // an extent's content in front of the torn offsets
	maxJSON   = 1 << 20
	maxPlain  = max(maxJSON, extentFix+4*maxTorn+pool.ExtentSize)
	maxPacked = maxPlain + 4096 // what does not compress grows by a few bytes
	maxChunks = 1 << 20
	maxProcs  = 1 << 16
)

var (
	le     = binary.LittleEndian
	castag = crc32.MakeTable(crc32.Castagnoli)
)

// chunk is a chunk's header.
type chunk struct {
	kind, pool, index uint32
	packed, plain     uint32
	crc               uint32
	at                int64 // of its frame in the file
}

func (c *chunk) header() []byte {
	b := append(make([]byte, 0, chunkHeader), chunkMagic...)
	for _, v := range []uint32{c.kind, c.pool, c.index, c.packed, c.plain, c.crc} {
		b = le.AppendUint32(b, v)
	}
	return le.AppendUint32(b, crc32.Checksum(b, castag))
}

// parseChunk reads a chunk's header, which is chunkHeader bytes.
func parseChunk(b []byte) (c chunk, err error) {
	if string(b[:4]) != chunkMagic {
		return c, fmt.Errorf("it begins with % x, expected %q", b[:4], chunkMagic)
	}
	if got, want := crc32.Checksum(b[:28], castag), le.Uint32(b[28:]); got != want {
		return c, fmt.Errorf("its checksum is %#x, expected %#x", got, want)
	}
	c = chunk{kind: le.Uint32(b[4:]), pool: le.Uint32(b[8:]), index: le.Uint32(b[12:]), packed: le.Uint32(b[16:]), plain: le.Uint32(b[20:]), crc: le.Uint32(b[24:])}
	if c.packed > maxPacked || c.plain > maxPlain {
		return c, fmt.Errorf("it is said to have %d bytes, %d unpacked, expected at most %d and %d", c.packed, c.plain, maxPacked, maxPlain)
	}
	return c, nil
}

// unpack unpacks a chunk's frame. d unpacks at most maxPlain bytes.
func (c *chunk) unpack(d *zstd.Decoder, frame []byte) ([]byte, error) {
	if got := crc32.Checksum(frame, castag); got != c.crc {
		return nil, fmt.Errorf("its checksum is %#x, expected %#x", got, c.crc)
	}
	plain, err := d.DecodeAll(frame, make([]byte, 0, c.plain))
	if err != nil {
		return nil, fmt.Errorf("unpacking it: %w", err)
	}
	if len(plain) != int(c.plain) {
		return nil, fmt.Errorf("it unpacks to %d bytes, expected %d", len(plain), c.plain)
	}
	return plain, nil
}
