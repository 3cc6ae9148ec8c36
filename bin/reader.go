package bin

import (
	"bytes"
	"encoding/binary"
	"io"
)

// Reader reads named little-endian fields from a source of known size. The zero
// Reader reads from nothing.
type Reader struct {
	kind string      // names the file in errors
	src  io.ReaderAt // never read outside base to base+size
	base int64       // offset of this reader's start in src and in errors
	size int64       // bytes from base on
	off  int64       // next byte, from base: 0 <= off <= size
	err  error       // first failure; sticky
}

// New returns a reader over the first size bytes of src. kind names the file or
// structure in errors: "GPT header". A negative size counts as zero. The source
// stays the caller's, who closes it after the last read.
func New(kind string, src io.ReaderAt, size int64) *Reader {
	return &Reader{kind: kind, src: src, size: max(size, 0)}
}

// FromBytes returns a reader over data, which must not change while it is read.
func FromBytes(kind string, data []byte) *Reader {
	return New(kind, bytes.NewReader(data), int64(len(data)))
}

// Err returns the first failure, an *Error, or nil.
func (r *Reader) Err() error { return r.err }

// Size returns the number of bytes that the reader covers.
func (r *Reader) Size() int64 { return r.size }

// Offset returns the position of the next read, from the reader's start.
func (r *Reader) Offset() int64 { return r.off }

// Left returns the number of bytes behind the position, 0 after a failure.
func (r *Reader) Left() int64 {
	if r.err != nil {
		return 0
	}
	return r.size - r.off
}

// Seek moves the position to off, counted from the reader's start. The end
// itself is a position. field says what is expected there.
func (r *Reader) Seek(field string, off int64) {
	if r.err != nil {
		return
	}
	if off < 0 || off > r.size {
		r.err = &Error{Kind: r.kind, Field: field, Offset: r.at(off), Have: r.base + r.size, Err: ErrRange}
		return
	}
	r.off = off
}

// Skip moves the position n bytes on, n at least 0.
func (r *Reader) Skip(field string, n int64) {
	if n < 0 || n > r.size-r.off {
		r.fail(field, n, nil)
		return
	}
	if r.err == nil {
		r.off += n
	}
}

// U8 reads a byte.
func (r *Reader) U8(field string) uint8 {
	var b [1]byte
	r.Fill(field, b[:])
	return b[0]
}

// U16 reads two bytes, the low one first.
func (r *Reader) U16(field string) uint16 {
	var b [2]byte
	r.Fill(field, b[:])
	return binary.LittleEndian.Uint16(b[:])
}

// U32 reads four bytes, the low one first.
func (r *Reader) U32(field string) uint32 {
	var b [4]byte
	r.Fill(field, b[:])
	return binary.LittleEndian.Uint32(b[:])
}

// U64 reads eight bytes, the low one first.
func (r *Reader) U64(field string) uint64 {
	var b [8]byte
	r.Fill(field, b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// Fill reads exactly len(dst) bytes into dst. On failure dst is all zero.
func (r *Reader) Fill(field string, dst []byte) {
	n := int64(len(dst))
	if r.err == nil && n > r.size-r.off {
		r.fail(field, n, nil)
	}
	if r.err == nil && n > 0 {
		// io.ReaderAt may return io.EOF with a full read.
		if got, err := r.src.ReadAt(dst, r.base+r.off); got < len(dst) {
			r.fail(field, n, err)
			r.err.(*Error).Have = int64(got) // the source is shorter than its size
		}
	}
	if r.err != nil {
		clear(dst)
		return
	}
	r.off += n
}

// Bytes reads n bytes into a new slice, which is the caller's. limit is the
// most that the format allows there: n usually stands in the file, and what
// stands in a file must not decide how much is allocated. On failure it
// returns nil.
func (r *Reader) Bytes(field string, n, limit int64) []byte {
	if r.err != nil {
		return nil
	}
	if n > limit {
		r.err = &Error{Kind: r.kind, Field: field, Offset: r.at(r.off), Want: n, Have: limit, Err: ErrTooLarge}
		return nil
	}
	if n < 0 || n > r.size-r.off {
		r.fail(field, n, nil)
		return nil
	}
	b := make([]byte, n)
	r.Fill(field, b)
	if r.err != nil {
		return nil
	}
	return b
}

// Count checks a number of entries of each bytes that the file gives for the
// table at the position, and returns it as an int to allocate by: at most
// limit, and no more than fit behind the position. On failure it returns 0.
func (r *Reader) Count(field string, n uint64, each, limit int64) int {
	if r.err != nil {
		return 0
	}
	if limit < 0 || n > uint64(limit) {
		r.err = &Error{Kind: r.kind, Field: field, Offset: r.at(r.off), Want: clamp(n), Have: limit, Err: ErrTooLarge}
		return 0
	}
	if each > 0 && int64(n) > (r.size-r.off)/each {
		want := int64(n) * each
		if want/each != int64(n) {
			want = 1<<63 - 1
		}
		r.fail(field, want, nil)
		return 0
	}
	return int(n)
}

// Sub returns a reader over n bytes from off on, counted from r's start, with
// its own position and its own error; errors of both count offsets from the
// start of the file. If r has failed, or the range is not within it, r's error
// is set and both have it.
func (r *Reader) Sub(kind string, off, n int64) *Reader {
	sub := &Reader{kind: kind, src: r.src}
	if r.err == nil && (off < 0 || off > r.size) {
		r.err = &Error{Kind: r.kind, Field: kind, Offset: r.at(off), Have: r.base + r.size, Err: ErrRange}
	}
	if r.err == nil && (n < 0 || n > r.size-off) {
		r.err = &Error{Kind: r.kind, Field: kind, Offset: r.at(off), Want: n, Have: r.size - off, Err: io.ErrUnexpectedEOF}
	}
	if r.err != nil {
		sub.err = r.err
		return sub
	}
	sub.base, sub.size = r.base+off, n
	return sub
}

// fail records the first failure at the position. A source that ends before its
// size is cut short, whatever it says.
func (r *Reader) fail(field string, want int64, cause error) {
	if r.err != nil {
		return
	}
	if cause == nil || cause == io.EOF {
		cause = io.ErrUnexpectedEOF
	}
	r.err = &Error{Kind: r.kind, Field: field, Offset: r.at(r.off), Want: want, Have: r.size - r.off, Err: cause}
}

// at turns a position into an offset of the file, without overflow.
func (r *Reader) at(off int64) int64 {
	if off > 0 && r.base > 1<<63-1-off {
		return 1<<63 - 1
	}
	return r.base + off
}

func clamp(n uint64) int64 {
	if n > 1<<63-1 {
		return 1<<63 - 1
	}
	return int64(n)
}
