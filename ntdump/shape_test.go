package ntdump

import (
	"encoding/binary"
	"testing"
)

// A member is found by its shape only where no second place has it.
func TestShape(t *testing.T) {
	d := &Dump{header: &Header{Bits: 64}}
	body := make([]byte, 0x400)
	put := func(at int, v ...uint64) {
		for i, x := range v {
			binary.LittleEndian.PutUint64(body[at+8*i:], x)
		}
	}
	if _, ok := d.processID(body, 8, 4); ok {
		t.Error("an id is found in zeros")
	}
	put(0x40, 4, 0x1000, 0xffffc08bdceab4c8) // one link is a user's address
	put(0x80, 4, 0xffffc08bdceab4c8, 0xffffc08bdceab4c8)
	if _, ok := d.processID(body, 8, 4); ok {
		t.Error("an id without two different kernel links is found")
	}
	put(0x108, 4, 0xffffc08bdceab4c8, 0xfffff8047c61e200)
	if at, ok := d.processID(body, 8, 4); !ok || at != 0x108 {
		t.Errorf("%#x, %v", at, ok)
	}
	put(0x3e8, 4, 0xffffc08bdceab4c8, 0xfffff8047c61e200) // at the very end
	if _, ok := d.processID(body, 8, 4); ok {
		t.Error("one of two places is taken")
	}
	copy(body[0x208:], "System\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	if at, ok := imageName(body, 0x200); !ok || at != 0x208 {
		t.Errorf("%#x, %v", at, ok)
	}
	copy(body[0x300:], "smss.exe")
	if _, ok := imageName(body, 0x200); ok {
		t.Error("one of two names is taken")
	}
}

// Blocks that overlap keep the bytes of the one that starts lower; what the file does
// not hold, and more than it can hold, is left out.
func TestBlocks(t *testing.T) {
	d := &Dump{header: &Header{Bits: 64}, size: 0x1000}
	b := &blocks{}
	b.add(0x5000, 0x100, 0x100, d)
	b.add(0x5080, 0x280, 0x100, d) // its first half is there already
	b.add(0x5010, 0x700, 0x10, d)  // all of it is
	b.add(0x9000, 0xff0, 0x20, d)  // the file ends within it
	b.add(^uint64(0)-8, 0x10, 0x20, d)
	b.add(0x7000, 0, 0x10, d)
	b.settle()
	want := []block{{0x5000, 0x100, 0x100}, {0x5100, 0x300, 0x80}, {0x9000, 0xff0, 0x10}}
	if len(b.list) != len(want) {
		t.Fatalf("%+v", b.list)
	}
	for i := range want {
		equal(t, "block", b.list[i], want[i])
	}
	equal(t, "cut", b.cut, 1)
	if _, ok := b.at(0x5180); ok {
		t.Error("the byte behind a block is there")
	}
	if x, ok := b.at(0x517f); !ok || x.va != 0x5100 {
		t.Errorf("the last byte: %+v, %v", x, ok)
	}
	for i := range uint64(100) {
		b.add(0x100000*(i+1), 0x100, 0xf00, d)
	}
	if b.total > maxAlias*d.size {
		t.Errorf("%#x bytes of memory in a file of %#x", b.total, d.size)
	}
}
