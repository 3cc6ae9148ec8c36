package lpcpool

import (
	"github.com/seed-eedd8485/lpc/target"
)

// Bytes are the bytes of one extent, pool.ExtentSize of them.
type Bytes interface {
	// ReadAt fills dst with the bytes at off on. It returns how many from the start
	// it has; fewer than len(dst) come with the reason in a few words. The bytes of
	// a hole are zeros. Preconditions: off+len(dst) is within the extent.
	ReadAt(dst []byte, off uint64) (n int, why string)
	// Hole tells of a page that read as zeros whether nothing may ever have been
	// written to it. off is a multiple of 4096.
	Hole(off uint64) bool
	// Torn tells that the block whose header stands at off was changing while it
	// was read, as far as that is known beforehand: what ReadAt gives may be of
	// two records. A source that is read as it runs says false.
	Torn(off uint64) bool
}

// A Pool is what a source knows of one process.
type Pool struct {
	// Number is the pool's number, which its addresses carry. For a process that
	// may not be read it is its pid.
	Number uint32
	// Process is what is known of the process; Addr is set by View. Err says why
	// it may not be looked into, in a sentence that names it; then there are no
	// Extents.
	Process target.Process
	// Extents by index.
	Extents map[uint32]Bytes
	// Ports are objects that are known of a process without looking into it.
	Ports []target.Object

	// The following are nil for files.

	// Grow looks for extents that the process made since. It returns only them.
	Grow func() map[uint32]Bytes
	// Gone is a sentence that the process has ended, nil while it runs.
	Gone func() error
}

// Raw are an extent's bytes in memory: of a file, or of a test. A page of zeros
// may be one that was never written.
type Raw []byte

var _ Bytes = Raw(nil)

// ReadAt is Bytes.ReadAt. Bytes behind the end are not there.
func (r Raw) ReadAt(dst []byte, off uint64) (int, string) {
	if off >= uint64(len(r)) {
		return 0, "not in the file"
	}
	if n := copy(dst, r[off:]); n < len(dst) {
		return n, "not in the file"
	}
	return len(dst), ""
}

// Hole is Bytes.Hole.
func (r Raw) Hole(off uint64) bool { return true }

// Torn is Bytes.Torn.
func (r Raw) Torn(off uint64) bool { return false }
