package snapshot

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// extent is an extent in a snapshot, unpacked when it is first read.
type extent struct {
	file *Target
	c    chunk
}

var _ lpcpool.Bytes = (*extent)(nil)

// unpacked is an extent's content.
type unpacked struct {
	data, missing uint64
	torn          []uint32
	b             []byte // pool.ExtentSize
	why           string // nothing of it can be read
}

const notReadable = "it could not be read when the snapshot was taken"

// ReadAt is lpcpool.Bytes's.
func (e *extent) ReadAt(dst []byte, off uint64) (int, string) {
	u := e.file.unpacked(e)
	if u.why != "" {
		return 0, u.why
	}
	end := off
	for end < off+uint64(len(dst)) {
		if u.missing&(1<<(end/pageSize)) != 0 {
			return copy(dst, u.b[off:end]), notReadable
		}
		end = min(end&^(pageSize-1)+pageSize, off+uint64(len(dst)))
	}
	return copy(dst, u.b[off:]), ""
}

// Hole is lpcpool.Bytes's.
func (e *extent) Hole(off uint64) bool {
	return e.file.unpacked(e).data&(1<<(off/pageSize)) == 0
}

// Torn is lpcpool.Bytes's.
func (e *extent) Torn(off uint64) bool {
	_, found := slices.BinarySearch(e.file.unpacked(e).torn, uint32(off))
	return found
}

// parseContent reads an extent chunk's content.
func parseContent(plain []byte) (*unpacked, error) {
	if len(plain) < extentFix {
		return nil, fmt.Errorf("it has %d bytes, expected at least %d", len(plain), extentFix)
	}
	u := &unpacked{data: le.Uint64(plain), missing: le.Uint64(plain[8:])}
	torn := le.Uint32(plain[16:])
	if torn > maxTorn {
		return nil, fmt.Errorf("%d blocks are said to be torn, expected at most %d", torn, maxTorn)
	}
	want := extentFix + 4*int(torn) + pageSize*bits.OnesCount64(u.data)
	if len(plain) != want || u.data&u.missing != 0 {
		return nil, fmt.Errorf("it has %d bytes with pages %#x and without %#x, expected %d and no page in both", len(plain), u.data, u.missing, want)
	}
	rest := plain[extentFix:]
	for range torn {
		u.torn = append(u.torn, le.Uint32(rest))
		rest = rest[4:]
	}
	slices.Sort(u.torn)
	u.b = make([]byte, pool.ExtentSize)
	for i := range uint64(pages) {
		if u.data&(1<<i) != 0 {
			copy(u.b[i*pageSize:], rest[:pageSize])
			rest = rest[pageSize:]
		}
	}
	return u, nil
}
