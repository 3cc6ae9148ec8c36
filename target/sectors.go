package target

import "io"

// Sectors is implemented by a target with the capability Disk.
type Sectors interface {
	// Sectors gives the disk's bytes by their offset, and how many there are. A
	// file that is shorter than a sector is the code part of one. The reader is the
	// target's, is only read, and is good until Close.
	Sectors() (r io.ReaderAt, size int64)
}
