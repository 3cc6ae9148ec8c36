package bin

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

var eight = []byte{0x55, 0xaa, 3, 4, 5, 6, 7, 0x88}

func TestFieldsAreLittleEndian(t *testing.T) {
	r := FromBytes("sample", append(bytes.Clone(eight), eight...))
	if a, b, c, d := r.U8("a"), r.U16("b"), r.U32("c"), r.U64("d"); a != 0x55 || b != 0x3aa || c != 0x7060504 || d != 0x706050403aa5588 {
		t.Errorf("got %x %x %x %x", a, b, c, d)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	if r.Offset() != 15 || r.Left() != 1 || r.Size() != 16 {
		t.Errorf("offset %d, left %d, size %d", r.Offset(), r.Left(), r.Size())
	}
}

// Both edges of house-style rule 33: a field that ends exactly at the end of
// the file is read; one byte more fails, and reads nothing.
func TestEdges(t *testing.T) {
	for _, c := range []struct {
		width int64
		read  func(*Reader) uint64
	}{
		{1, func(r *Reader) uint64 { return uint64(r.U8("field")) }},
		{2, func(r *Reader) uint64 { return uint64(r.U16("field")) }},
		{4, func(r *Reader) uint64 { return uint64(r.U32("field")) }},
		{8, func(r *Reader) uint64 { return r.U64("field") }},
	} {
		r := FromBytes("sample", eight)
		r.Seek("field", 8-c.width)
		if got := c.read(r); got == 0 || r.Err() != nil || r.Left() != 0 {
			t.Errorf("width %d at the end: %x, %v, %d left", c.width, got, r.Err(), r.Left())
		}
		r = FromBytes("sample", eight)
		r.Seek("field", 8-c.width+1)
		if got := c.read(r); got != 0 {
			t.Errorf("width %d over the end: %x, want 0", c.width, got)
		}
		var e *Error
		if !errors.As(r.Err(), &e) {
			t.Fatalf("width %d over the end: %v", c.width, r.Err())
		}
		want := Error{Kind: "sample", Field: "field", Offset: 8 - c.width + 1, Want: c.width, Have: c.width - 1, Err: io.ErrUnexpectedEOF}
		if *e != want {
			t.Errorf("width %d over the end: %+v, want %+v", c.width, *e, want)
		}
	}
}

func TestErrorSticks(t *testing.T) {
	r := FromBytes("sample", eight)
	r.Seek("far away", 9)
	first := r.Err()
	if first == nil {
		t.Fatal("a position behind the end is taken")
	}
	dst := []byte{1, 2}
	r.Fill("second", dst)
	r.Seek("third", 0)
	r.Skip("fourth", 1)
	if r.U8("a") != 0 || r.U16("b") != 0 || r.U32("c") != 0 || r.U64("d") != 0 || r.Bytes("e", 1, 1) != nil ||
		r.Count("f", 1, 1, 1) != 0 || !bytes.Equal(dst, []byte{0, 0}) || r.Offset() != 0 || r.Left() != 0 {
		t.Error("a read after the first failure returns something")
	}
	if r.Err() != first || r.Sub("part", 0, 1).Err() != first {
		t.Errorf("the first failure is replaced by %v", r.Err())
	}
}

func TestMessages(t *testing.T) {
	for _, c := range []struct {
		do   func(*Reader)
		want string
		is   error
	}{
		{func(r *Reader) { r.Seek("signature", 6); r.U32("signature") }, "reading signature of sample at offset 0x6: 4 bytes expected, 2 left", io.ErrUnexpectedEOF},
		{func(r *Reader) { r.Seek("table", 9) }, "reading table of sample at offset 0x9: expected an offset from 0 to 0x8", ErrRange},
		{func(r *Reader) { r.Seek("table", -1) }, "reading table of sample at offset -0x1: expected an offset from 0 to 0x8", ErrRange},
		{func(r *Reader) { r.Skip("padding", 9) }, "reading padding of sample at offset 0x0: 9 bytes expected, 8 left", io.ErrUnexpectedEOF},
		{func(r *Reader) { r.Bytes("name", 7, 6) }, "reading name of sample at offset 0x0: 7 asked for, expected at most 6", ErrTooLarge},
		{func(r *Reader) { r.Bytes("name", 9, 100) }, "reading name of sample at offset 0x0: 9 bytes expected, 8 left", io.ErrUnexpectedEOF},
		{func(r *Reader) { r.Count("entries", math.MaxUint64, 128, 1024) }, "reading entries of sample at offset 0x0: 9223372036854775807 asked for, expected at most 1024", ErrTooLarge},
		{func(r *Reader) { r.Count("entries", 3, 4, 1024) }, "reading entries of sample at offset 0x0: 12 bytes expected, 8 left", io.ErrUnexpectedEOF},
		{func(r *Reader) { r.Count("entries", 1<<62, 1<<10, 1<<62) }, "reading entries of sample at offset 0x0: 9223372036854775807 bytes expected, 8 left", io.ErrUnexpectedEOF},
		{func(r *Reader) { r.Sub("header", 4, 5) }, "reading header of sample at offset 0x4: 5 bytes expected, 4 left", io.ErrUnexpectedEOF},
		{func(r *Reader) { r.Sub("header", 9, 0) }, "reading header of sample at offset 0x9: expected an offset from 0 to 0x8", ErrRange},
	} {
		r := FromBytes("sample", eight)
		c.do(r)
		if r.Err() == nil || r.Err().Error() != c.want || !errors.Is(r.Err(), c.is) {
			t.Errorf("got %v, want %q", r.Err(), c.want)
		}
	}
}

func TestBytesAndCountWithinLimits(t *testing.T) {
	r := FromBytes("sample", eight)
	if n := r.Count("entries", 4, 2, 4); n != 4 {
		t.Errorf("4 entries of 2 bytes in 8: %d, %v", n, r.Err())
	}
	b := r.Bytes("all", 8, 8)
	if !bytes.Equal(b, eight) {
		t.Errorf("got %x", b)
	}
	b[0] = 0
	if eight[0] != 0x55 {
		t.Error("Bytes hands out the source's own memory")
	}
	if b := r.Bytes("nothing", 0, 0); b == nil || len(b) != 0 || r.Err() != nil {
		t.Errorf("no bytes at the end: %v, %v", b, r.Err())
	}
}

func TestSub(t *testing.T) {
	r := FromBytes("disk", eight)
	s := r.Sub("sector", 2, 4)
	if s.U32("word") != 0x6050403 || s.Err() != nil || s.Size() != 4 {
		t.Errorf("sub reads %v", s.Err())
	}
	s.U8("next")
	if got, want := s.Err().Error(), "reading next of sector at offset 0x6: 1 bytes expected, 0 left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if r.Err() != nil || r.Offset() != 0 {
		t.Error("a failure of the part fails the whole, or moves it")
	}
	if whole := r.Sub("whole", 0, 8); whole.Err() != nil {
		t.Error(whole.Err())
	}
	if e := r.Sub("end", 8, 0); e.Err() != nil {
		t.Error(e.Err())
	}
	if ss := r.Sub("sector", 2, 6).Sub("inner", 2, 4); ss.U8("x") != 5 {
		t.Error("a part of a part starts at the wrong place")
	}
}

// source says more than it has, or fails.
type source struct {
	data []byte
	err  error
}

func (s source) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(s.data)) {
		return 0, s.err
	}
	n := copy(p, s.data[off:])
	return n, s.err // io.EOF also with a full read, as io.ReaderAt allows
}

func TestSources(t *testing.T) {
	r := New("disk", source{eight, io.EOF}, 8)
	if r.U64("all"); r.Err() != nil {
		t.Errorf("a full read with io.EOF fails: %v", r.Err())
	}
	r = New("disk", source{eight, io.EOF}, 1<<40)
	r.Seek("gap", 1<<39)
	if r.U8("byte"); !errors.Is(r.Err(), io.ErrUnexpectedEOF) || !strings.HasSuffix(r.Err().Error(), "1 bytes expected, 0 left") {
		t.Errorf("a source shorter than its size: %v", r.Err())
	}
	broken := errors.New("input/output error")
	r = New("disk", source{eight[:2], broken}, 8)
	if v := r.U32("word"); v != 0 || !errors.Is(r.Err(), broken) || !strings.Contains(r.Err().Error(), "reading word of disk at offset 0x0: input/output error") {
		t.Errorf("a failing source: %x, %v", v, r.Err())
	}
	var zero Reader
	if zero.U8("x"); zero.Err() == nil {
		t.Error("the zero reader reads")
	}
	if r := New("disk", nil, -5); r.Size() != 0 {
		t.Errorf("a negative size is %d", r.Size())
	}
}

func FuzzReader(f *testing.F) {
	f.Add(eight, []byte{0, 1, 2, 3, 4, 5, 6, 7})
	f.Add([]byte{}, []byte{7, 7})
	f.Fuzz(func(t *testing.T, data, ops []byte) {
		r := FromBytes("fuzz", data)
		for i, op := range ops {
			failed := r.Err() != nil
			before := r.Offset()
			n := int64(int8(op >> 3))
			sum := uint64(0)
			switch op % 8 {
			case 0:
				sum = uint64(r.U8("a"))
			case 1:
				sum = uint64(r.U16("b"))
			case 2:
				sum = uint64(r.U32("c"))
			case 3:
				sum = r.U64("d")
			case 4:
				r.Skip("e", n)
			case 5:
				r.Seek("f", n)
			case 6:
				sum = uint64(len(r.Bytes("g", n, 16)))
			case 7:
				r.Sub("h", n, int64(i)).U16("i")
			}
			if r.Offset() < 0 || r.Offset() > int64(len(data)) {
				t.Fatalf("offset %d of %d", r.Offset(), len(data))
			}
			if failed && (sum != 0 || r.Offset() != before) {
				t.Fatalf("op %d after a failure: %d, offset %d to %d", op, sum, before, r.Offset())
			}
		}
	})
}
