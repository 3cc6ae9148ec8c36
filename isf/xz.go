package isf

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// The container of an .xz file is read here and only the LZMA2 inside by the
// library: it would allocate whatever dictionary a block header asks for, up to
// 4 GiB. Sections below are those of "The .xz File Format", version 1.2.1.

const (
	xzMagic  = "\xfd7zXZ\x00" // 2.1.1.1
	xzFooter = "YZ"           // 2.1.2.4
	// maxDictionary is what xz -9 uses.
	maxDictionary = 64 << 20
	// maxDictionaries bounds the work of allocating: xz makes blocks that are
	// three times their dictionary or longer, hostile ones can be empty.
	maxDictionaries = 4 << 30
)

// unpackXZ unpacks all streams of data, at most limit bytes. Every check sum in
// the file but that of the index is verified; the index is for seeking, and only
// its length is used.
func unpackXZ(data []byte, limit int) ([]byte, error) {
	r := &xzReader{Reader: bytes.NewReader(data), limit: limit}
	for {
		if err := r.stream(); err != nil {
			return nil, packed("xz", err)
		}
		// 2.2: streams may follow each other with zero bytes between them.
		for {
			b, err := r.ReadByte()
			if err == io.EOF {
				return r.out, nil
			}
			if b != 0 {
				r.Seek(-1, io.SeekCurrent) // never before the start: a byte was read
				break
			}
		}
	}
}

type xzReader struct {
	*bytes.Reader
	out          []byte
	limit        int   // of out
	dictionaries int64 // bytes allocated for blocks so far, one after the other
}

// bytes reads n bytes, n small.
func (r *xzReader) bytes(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

// stream reads one stream: header, blocks, index, footer (section 2.1).
func (r *xzReader) stream() error {
	h, err := r.bytes(12)
	if err != nil {
		return err
	}
	if string(h[:6]) != xzMagic {
		return errors.New("what follows a stream is not another one")
	}
	if crc32.ChecksumIEEE(h[6:8]) != binary.LittleEndian.Uint32(h[8:]) {
		return errors.New("the stream header's check sum is wrong")
	}
	var sum func() hash.Hash
	switch h[7] { // 2.1.1.2; h[6] is reserved
	case 0x00:
		sum = nil
	case 0x01:
		sum = func() hash.Hash { return crc32.NewIEEE() }
	case 0x04:
		sum = func() hash.Hash { return crc64.New(crc64.MakeTable(crc64.ECMA)) }
	case 0x0a:
		sum = sha256.New
	default:
		return fmt.Errorf("its check is of kind %#x, expected 0 (none), 1 (CRC32), 4 (CRC64) or 0xa (SHA-256)", h[7])
	}
	for {
		size, err := r.ReadByte()
		if err != nil {
			return err
		}
		if size == 0 { // 4: the index begins
			return r.end(h[6:8])
		}
		if err := r.block(4*(int(size)+1), sum); err != nil {
			return err
		}
	}
}

// block reads a block whose header has size bytes, the first of which is read
// already (section 3).
func (r *xzReader) block(size int, sum func() hash.Hash) error {
	h := make([]byte, size)
	h[0] = byte(size/4 - 1)
	if _, err := io.ReadFull(r, h[1:]); err != nil {
		return err
	}
	if crc32.ChecksumIEEE(h[:size-4]) != binary.LittleEndian.Uint32(h[size-4:]) {
		return errors.New("a block header's check sum is wrong")
	}
	dictionary, err := blockDictionary(h[1 : size-4])
	if err != nil {
		return err
	}
	if r.dictionaries += int64(dictionary); r.dictionaries > maxDictionaries {
		return fmt.Errorf("its blocks ask for dictionaries of more than %d bytes together", int64(maxDictionaries))
	}
	start, from := r.Size()-int64(r.Len()), len(r.out)
	z, err := lzma.Reader2Config{DictCap: dictionary}.NewReader2(r)
	if err != nil {
		return err
	}
	out, err := readAll(z, r.limit-len(r.out))
	if err != nil {
		return err
	}
	r.out = append(r.out, out...)
	packedSize := r.Size() - int64(r.Len()) - start
	if _, err := r.bytes(int(-packedSize & 3)); err != nil { // 3.3: padding
		return err
	}
	if sum == nil {
		return nil
	}
	s := sum()
	s.Write(r.out[from:])
	want, err := r.bytes(s.Size())
	if err != nil {
		return err
	}
	got := s.Sum(nil)
	if s.Size() < sha256.Size { // the CRCs stand with the low byte first (3.4)
		for i, j := 0, len(got)-1; i < j; i, j = i+1, j-1 {
			got[i], got[j] = got[j], got[i]
		}
	}
	if !bytes.Equal(got, want) {
		return errors.New("the check sum of a block is wrong")
	}
	return nil
}

// blockDictionary finds the size of the dictionary in a block header (3.1): flags,
// sizes, filters.
func blockDictionary(h []byte) (int, error) {
	in := bytes.NewReader(h)
	flags, err := in.ReadByte()
	if err != nil {
		return 0, err
	}
	if flags&3 != 0 {
		return 0, errors.New("a block uses several filters, expected LZMA2 alone")
	}
	for _, present := range []bool{flags&0x40 != 0, flags&0x80 != 0} { // packed and unpacked size
		if !present {
			continue
		}
		if _, err := binary.ReadUvarint(in); err != nil {
			return 0, errors.New("a block header's size field is damaged")
		}
	}
	var filter [3]byte // id, length of properties, dictionary bits (5.3.1)
	if _, err := io.ReadFull(in, filter[:]); err != nil {
		return 0, err
	}
	if filter[0] != 0x21 || filter[1] != 1 || filter[2] > 40 {
		return 0, fmt.Errorf("a block is packed by filter %#x, expected 0x21 (LZMA2)", filter[0])
	}
	size := uint64(2|filter[2]&1) << (filter[2]/2 + 11)
	if filter[2] == 40 {
		size = 1<<32 - 1
	}
	if size > maxDictionary {
		return 0, fmt.Errorf("a block asks for a dictionary of %d bytes, expected at most %d", size, maxDictionary)
	}
	return max(int(size), lzma.MinDictCap), nil
}

// end reads index and footer, whose first zero byte is read already (4, 2.1.2).
func (r *xzReader) end(flags []byte) error {
	start := r.Size() - int64(r.Len()) - 1
	records, err := binary.ReadUvarint(r)
	if err != nil {
		return err
	}
	for range records { // two numbers each; the data's end ends a count too high
		for range 2 {
			if _, err := binary.ReadUvarint(r); err != nil {
				return err
			}
		}
	}
	length := r.Size() - int64(r.Len()) - start
	if _, err := r.bytes(int(-length & 3)); err != nil {
		return err
	}
	length += -length & 3
	tail, err := r.bytes(4 + 12) // the index's check sum, then the footer
	if err != nil {
		return err
	}
	f := tail[4:]
	if string(f[10:]) != xzFooter || !bytes.Equal(f[8:10], flags) ||
		crc32.ChecksumIEEE(f[4:10]) != binary.LittleEndian.Uint32(f) ||
		4*(int64(binary.LittleEndian.Uint32(f[4:]))+1) != length+4 {
		return errors.New("the stream's footer is damaged")
	}
	return nil
}
