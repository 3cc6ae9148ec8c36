package ntdump

import (
	"bytes"

	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

// Format recognises a Windows kernel dump by its signature, and what people take
// for one (a user minidump, a packed dump, a hibernation file): Open refuses that
// with a sentence that says what it is. It stands behind the formats of files that
// may begin the same and before those with a weak magic.
var Format = target.Format{
	Name:  "Windows kernel dump",
	Match: match,
	Open:  target.Opener(Open),
}

// beginnings are those of dumps, then those of files that hold or resemble one.
// The reader has the words for each (ntdump.ErrNotDump).
var beginnings = []string{
	"PAGEDUMP", "PAGEDU64", "PAGE",
	"MDMP", "PK\x03\x04", "PK\x05\x06", "7z\xbc\xaf\x27\x1c", "Rar!\x1a\x07", "MSCF",
	"\x1f\x8b\x08", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd",
	"hibr", "HIBR", "wake", "RSTR", "EMiL", "KDUMP   ", "makedumpfile", "QEVM", "LibvirtQemud",
}

func match(head []byte) bool {
	dump := bytes.HasPrefix(head, []byte("PAGEDU"))
	if !dump && len(head) >= 512 && head[0x1fe] == 0x55 && head[0x1ff] == 0xaa {
		return false // a boot sector may begin with any bytes
	}
	for _, b := range beginnings {
		if bytes.HasPrefix(head, []byte(b)) {
			return true
		}
	}
	return false
}

// Open opens the dump at path. The error is a sentence that names the file.
func Open(path string) (*Target, error) {
	d, err := nt.Open(path)
	if err != nil {
		return nil, err
	}
	return Of(d, path), nil
}

// Of is New for a dump or an image that was opened from a file, which Describe names.
func Of(d *nt.Dump, path string) *Target {
	t := New(d)
	t.path = path
	return t
}
