package isf

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxFile bounds a description, packed and unpacked. The largest public ones (a
// Linux kernel with all its types) have some 50 MB.
const maxFile = 128 << 20

// Open reads a description from a file: ISF JSON, plain or packed by xz or gzip.
// What it is, its first bytes tell, not its name.
func Open(path string) (Types, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening a type description: %w", err)
	}
	defer f.Close()
	data, err := readAll(f, maxFile)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if data, err = unpack(data, maxFile); err != nil {
		return nil, fmt.Errorf("unpacking %s: %w", path, err)
	}
	return Parse(path, data)
}

// unpack returns what data holds, or data itself where it is not packed. It
// never returns more than limit bytes.
func unpack(data []byte, limit int) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte(xzMagic)):
		return unpackXZ(data, limit)
	case bytes.HasPrefix(data, []byte{0x1f, 0x8b}): // RFC 1952, 2.3.1
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, packed("gzip", err)
		}
		out, err := readAll(z, limit)
		return out, packed("gzip", err)
	case bytes.HasPrefix(data, []byte("Microsoft C/C++")):
		return nil, errors.New("this is a program database (PDB), not ISF JSON")
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return nil, errors.New("this is a zip archive: take the .json out of it")
	}
	return data, nil
}

// readAll reads to the end, but no more than limit bytes.
func readAll(r io.Reader, limit int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(data) > limit {
		err = tooLarge(limit)
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

func tooLarge(limit int) error {
	return fmt.Errorf("it holds more than %d bytes, expected at most that", limit)
}

// packed says that damage is in the packing.
func packed(format string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the %s data ends before it is complete", format)
	}
	return fmt.Errorf("%s: %w", format, err)
}
