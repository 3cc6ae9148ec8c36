package pe

import (
	"fmt"
	"io"
)

// file is an image as it stands in a file.
type file struct {
	r        io.ReaderAt
	size     int64
	sections []Section
	headers  uint32
}

// File reads the headers of an image in a file of size bytes.
func File(r io.ReaderAt, size int64) (*Image, error) {
	f := &file{r: r, size: size, headers: 2 * maxHeader}
	i, err := read(f)
	if err != nil {
		return nil, err
	}
	f.sections, f.headers = i.Sections, i.headers
	return i, nil
}

// readRVA reads from the headers, or from the section that holds all of dst. What a
// section has in memory and not in the file is zero in a file that was never run: it
// is not read as such here.
func (f *file) readRVA(rva uint32, dst []byte) error {
	end := uint64(rva) + uint64(len(dst))
	at, ok := int64(rva), end <= uint64(f.headers)
	for _, s := range f.sections {
		if !ok && rva >= s.RVA && end <= uint64(s.RVA)+uint64(s.RawSize) {
			at, ok = int64(s.Raw)+int64(rva-s.RVA), true
		}
	}
	if !ok {
		return fmt.Errorf("the file holds no %d bytes for offset %#x of the image", len(dst), rva)
	}
	if at+int64(len(dst)) > f.size {
		return fmt.Errorf("the file has %d bytes, expected %d", f.size, at+int64(len(dst)))
	}
	n, err := f.r.ReadAt(dst, at)
	if n == len(dst) {
		return nil
	}
	return fmt.Errorf("reading the file: %w", err)
}
