package pdbtest

import (
	"bytes"
	"encoding/binary"
)

// magic begins a container of blocks (LLVM, "The MSF File Format").
const magic = "Microsoft C/C++ MSF 7.00\r\n\x1aDS\x00\x00\x00"

// Buf puts little-endian fields together.
type Buf struct{ bytes.Buffer }

// U8 adds bytes.
func (b *Buf) U8(v ...int) *Buf {
	for _, x := range v {
		b.WriteByte(byte(x))
	}
	return b
}

// U16 adds words of two bytes.
func (b *Buf) U16(v ...int) *Buf {
	for _, x := range v {
		b.Write(binary.LittleEndian.AppendUint16(nil, uint16(x)))
	}
	return b
}

// U32 adds words of four bytes.
func (b *Buf) U32(v ...int) *Buf {
	for _, x := range v {
		b.Write(binary.LittleEndian.AppendUint32(nil, uint32(x)))
	}
	return b
}

// Z adds a string with a zero byte behind.
func (b *Buf) Z(s string) *Buf { b.WriteString(s + "\x00"); return b }

// P adds a string with its length in front.
func (b *Buf) P(s string) *Buf { b.WriteByte(byte(len(s))); b.WriteString(s); return b }

// Record adds a record whose length is aligned to 4 by f3 f2 f1.
func (b *Buf) Record(kind int, body *Buf) *Buf {
	data := body.Bytes()
	for pad := -(len(data) + 4) & 3; pad > 0; pad-- {
		data = append(data, byte(0xf0+pad))
	}
	b.U16(len(data)+2, kind)
	b.Write(data)
	return b
}

// Member adds an entry of a field list, aligned likewise.
func (b *Buf) Member(kind int, body *Buf) *Buf {
	b.U16(kind)
	b.Write(body.Bytes())
	for pad := -b.Len() & 3; pad > 0; pad-- {
		b.U8(0xf0 + pad)
	}
	return b
}

// MSF puts streams into a container.
func MSF(blockSize int, streams [][]byte) []byte {
	blocks := [][]byte{nil, nil, nil} // superblock and the two free block maps
	add := func(data []byte) (list []int) {
		for len(data) > 0 {
			n := min(len(data), blockSize)
			if at := len(blocks) % blockSize; at == 1 || at == 2 {
				blocks = append(blocks, nil) // free block maps of the next interval
				continue
			}
			list = append(list, len(blocks))
			blocks = append(blocks, data[:n])
			data = data[n:]
		}
		return list
	}
	var dir, numbers Buf
	dir.U32(len(streams))
	for _, s := range streams {
		dir.U32(len(s))
		numbers.U32(add(s)...)
	}
	dir.Write(numbers.Bytes())
	var dirMap, super Buf
	dirMap.U32(add(dir.Bytes())...)
	at := add(dirMap.Bytes())
	super.WriteString(magic)
	super.U32(blockSize, 1, len(blocks), dir.Len(), 0, at[0])
	blocks[0] = super.Bytes()
	out := make([]byte, blockSize*len(blocks))
	for i, b := range blocks {
		copy(out[i*blockSize:], b)
	}
	return out
}
