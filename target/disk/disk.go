package disk

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/target"
)

// Target is a disk. It is for one goroutine at a time.
type Target struct {
	file *os.File
	path string
	kind kind
	size int64 // bytes of the disk, at least 1
}

var (
	_ target.Target  = (*Target)(nil)
	_ target.Sectors = (*Target)(nil)
)

// kind is what the file was taken for.
type kind string

const (
	image    kind = "disk image"
	fixedVHD kind = "fixed VHD image"
	device   kind = "block device"
	sector   kind = "dump of sector 0"
	code     kind = "code part of a boot sector"
)

// Sectors is target.Sectors'.
func (t *Target) Sectors() (io.ReaderAt, int64) { return t.file, t.size }

// Describe is target.Target's.
func (t *Target) Describe() string {
	return fmt.Sprintf("%s %s: %d bytes; before it runs, its first %#x at 0000:7c00", t.kind, t.path, t.size, t.laid())
}

// Has is target.Target's: a disk has sectors and nothing else.
func (t *Target) Has(c target.Capability) bool { return c&^target.Disk == 0 }

// Lacks is target.Target's.
func (t *Target) Lacks(c target.Capability) string {
	if t.Has(c) {
		return ""
	}
	return "a disk holds no running system: it has sectors, and sector 0 in memory"
}

// Types is nil: no structure of a system stands in memory.
func (t *Target) Types(uint64) isf.Types { return nil }

// PointerSize is 4: real mode reaches a little more than 20 bits of address.
func (t *Target) PointerSize() int { return 4 }

// System is nil: none runs.
func (t *Target) System() target.System { return nil }

// Now is the zero time: that of a file is not when its disk was written.
func (t *Target) Now() time.Time { return time.Time{} }

// Close closes the file.
func (t *Target) Close() error { return t.file.Close() }
