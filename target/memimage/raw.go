package memimage

import (
	"fmt"
	"os"

	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/ntdump"
)

// Raw takes any file as an image of memory from address 0 on, one byte after the
// other, and opens it when a Windows kernel is found in it: there is no magic. It stands last in a list
// of formats.
var Raw = target.Format{
	Name:  "raw image of a machine's memory",
	Match: func(head []byte) bool { return len(head) >= target.HeadSize },
	Open:  target.Opener(OpenRaw),
	Guess: true,
}

// minRaw is less than any machine has that Windows runs on.
const minRaw = 1 << 20

// OpenRaw opens a raw image. The error is a sentence that names the file.
func OpenRaw(path string) (*ntdump.Target, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	if st.Size() < minRaw {
		return nil, fmt.Errorf("%s is no raw image of a machine's memory: it has %d bytes, expected at least %d", path, st.Size(), minRaw)
	}
	return open(path, nt.Image{Kind: "raw image of memory", Extents: []nt.Extent{{Size: uint64(st.Size())}}})
}
