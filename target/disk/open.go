package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/seed-eedd8485/lpc/target"
)

const expected = "expected a disk image, a block device or a dump of sector 0"

// Format recognises a disk by the end of its first sector (55 AA at 1FE), by a GPT
// behind it, or by the size of a sector or of its code part; and containers of
// disks, which Open then refuses by name. These are weak signs: it stands last in a
// list of formats.
var Format = target.Format{
	Name:  "disk image or sector 0",
	Match: match,
	Open:  target.Opener(Open),
}

// Sizes of a boot sector's code without and with the disk signature: files that
// boot loaders ship.
const (
	codeBytes     = 440
	codeSignature = 446
)

func match(head []byte) bool {
	n := len(head)
	switch {
	case n >= SectorBytes && head[0x1fe] == 0x55 && head[0x1ff] == 0xaa,
		n == SectorBytes, n == codeBytes, n == codeSignature,
		n >= SectorBytes+8 && string(head[SectorBytes:SectorBytes+8]) == "EFI PART":
		return true
	}
	return containerOf(containers, head) != ""
}

// Open opens a file as a disk, whatever its first bytes are: a damaged boot sector
// is one too. The error is a sentence that names the file.
func Open(path string) (*Target, error) {
	// A pipe would hold up the open, and cannot be read twice: ask first what it is.
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, bare(err))
	}
	isDevice := IsDevice(info.Mode())
	if !isDevice && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("opening %s: it is %s, %s", path, modeName(info.Mode()), expected)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, bare(err))
	}
	t := &Target{file: f, path: path, kind: image}
	if isDevice {
		t.kind = device
	}
	if err := t.look(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return t, nil
}

// IsDevice tells whether a file is a block device, which need not hold anything
// that Format recognises to be a disk.
func IsDevice(m fs.FileMode) bool { return m&fs.ModeDevice != 0 && m&fs.ModeCharDevice == 0 }

// look finds out how large the disk is, and of what kind.
func (t *Target) look() error {
	// The size that stat gives of a block device is 0 (inode(7)); its end is not.
	size, err := t.file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("finding the size of %s: %w", t.path, bare(err))
	}
	if size == 0 {
		return fmt.Errorf("opening %s: it is empty, %s", t.path, expected)
	}
	t.size = size
	head := make([]byte, min(size, target.HeadSize))
	if _, err := t.file.ReadAt(head, 0); err != nil && err != io.EOF {
		return fmt.Errorf("reading the start of %s: %w", t.path, bare(err))
	}
	if what := containerOf(slices.Concat(containers, packed), head); what != "" && t.kind != device {
		return fmt.Errorf("opening %s: it is %s, %s", t.path, what, expected)
	}
	switch {
	case t.kind == device:
	case size < SectorBytes:
		t.kind = code
	case size == SectorBytes:
		t.kind = sector
	case t.footer():
		t.kind, t.size = fixedVHD, size-SectorBytes
	}
	return nil
}

// footer tells whether the last sector is that of a fixed VHD, a raw image with one
// more sector: cookie at 0, disk type 2 at 3C, big-endian (Virtual Hard Disk Image
// Format Specification, hard disk footer format).
func (t *Target) footer() bool {
	var b [64]byte
	if t.size < 2*SectorBytes {
		return false
	}
	n, _ := t.file.ReadAt(b[:], t.size-SectorBytes)
	return n == len(b) && string(b[:8]) == "conectix" && binary.BigEndian.Uint32(b[0x3c:]) == 2
}

// bare is the error without the operation and the path that os puts before it.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func modeName(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeCharDevice != 0:
		return "a character device"
	}
	return "no file with contents"
}
