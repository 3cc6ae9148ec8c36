package ntdump

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"sync"
)

// bitmap is the map of a bitmap dump: bit i of a bitmap in the file stands for
// physical page i, and the pages whose bits are set follow each other from first
// on. The place of a page is the number of set bits below its own; ranks, made at
// the first look, count them up to each block of the bitmap, so that a look reads
// one block of 512 bytes.
type bitmap struct {
	src   io.ReaderAt
	off   int64  // of the bitmap in the file
	nbits uint64 // bits; the file holds them all
	first int64  // offset of the first page
	held  uint64 // pages as the header says

	once  sync.Once
	ranks []uint64 // set bits before each block, and of all at the end; set once
	err   error    // set once
}

// blockBits is the number of bits to a rank: 4096 pages, 16 MiB of memory.
const (
	blockBytes = 512
	blockBits  = blockBytes * 8
)

// blockBuffers keeps what find reads a block into: a buffer of its own would be
// allocated for each page that is looked up.
var blockBuffers = sync.Pool{New: func() any { return new([blockBytes]byte) }}

// index makes the ranks. Their number follows from bits that the file holds, so
// they are never larger than 1/64 of the file.
func (m *bitmap) index() ([]uint64, error) {
	m.once.Do(func() {
		blocks := (m.nbits + blockBits - 1) / blockBits
		ranks := make([]uint64, 0, blocks+1)
		var chunk [64 * blockBytes]byte
		sum, done := uint64(0), uint64(0)
		for done < blocks {
			n := min(blocks-done, uint64(len(chunk)/blockBytes))
			if m.err = m.load(done, chunk[:n*blockBytes]); m.err != nil {
				return
			}
			for i := range n {
				ranks = append(ranks, sum)
				sum += popcount(chunk[i*blockBytes : (i+1)*blockBytes])
			}
			done += n
		}
		m.ranks = append(ranks, sum)
	})
	return m.ranks, m.err
}

// load reads whole blocks of the bitmap; what lies behind its last bit is zero.
func (m *bitmap) load(block uint64, dst []byte) error {
	clear(dst)
	from := int64(block * blockBytes)
	size := int64(m.nbits+7)/8 - from
	part := dst[:min(int64(len(dst)), size)]
	if n, err := m.src.ReadAt(part, m.off+from); n < len(part) {
		return fmt.Errorf("reading the bitmap of pages at offset %#x: %w", m.off+from, noEOF(err))
	}
	if last := m.nbits / 8; m.nbits%8 != 0 && last >= uint64(from) && last < uint64(from)+uint64(len(part)) {
		part[last-uint64(from)] &= 1<<(m.nbits%8) - 1
	}
	return nil
}

func noEOF(err error) error {
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func popcount(b []byte) uint64 {
	n := 0
	for ; len(b) >= 8; b = b[8:] {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(b))
	}
	for _, c := range b {
		n += bits.OnesCount8(c)
	}
	return uint64(n)
}

// count is the number of bits that are set.
func (m *bitmap) count() (uint64, error) {
	ranks, err := m.index()
	if err != nil {
		return 0, err
	}
	return ranks[len(ranks)-1], nil
}

func (m *bitmap) find(pfn uint64) (int64, uint64, bool, error) {
	if pfn >= m.nbits {
		return 0, 0, false, nil
	}
	ranks, err := m.index()
	if err != nil {
		return 0, 0, false, err
	}
	block := blockBuffers.Get().(*[blockBytes]byte)
	defer blockBuffers.Put(block)
	if err := m.load(pfn/blockBits, block[:]); err != nil {
		return 0, 0, false, err
	}
	byt, bit := pfn%blockBits/8, pfn%8
	if block[byt]>>bit&1 == 0 {
		return 0, 0, false, nil
	}
	rank := ranks[pfn/blockBits] + popcount(block[:byt]) + uint64(bits.OnesCount8(block[byt]&(1<<bit-1)))
	return m.first + int64(rank)*pageBytes, ones(block[:], pfn%blockBits), true, nil
}

// ones is how many bits from one on are set in a row. The length of b is a multiple
// of 8.
func ones(b []byte, from uint64) uint64 {
	n := uint64(0)
	for at := from; at < uint64(len(b))*8; {
		w := binary.LittleEndian.Uint64(b[at/64*8:]) >> (at % 64)
		run := min(uint64(bits.TrailingZeros64(^w)), 64-at%64)
		n += run
		if run < 64-at%64 {
			break
		}
		at += run
	}
	return n
}

func (m *bitmap) next(pfn uint64) (uint64, bool, error) {
	ranks, err := m.index()
	if err != nil {
		return 0, false, err
	}
	var block [blockBytes]byte
	for pfn < m.nbits {
		b := pfn / blockBits
		if ranks[b] == ranks[b+1] { // an empty block
			pfn = (b + 1) * blockBits
			continue
		}
		if err := m.load(b, block[:]); err != nil {
			return 0, false, err
		}
		for i := pfn % blockBits; i < blockBits; i++ {
			if block[i/8]>>(i%8)&1 != 0 {
				return b*blockBits + i, true, nil
			}
		}
		pfn = (b + 1) * blockBits
	}
	return 0, false, nil
}

func (m *bitmap) pages() uint64 { return m.held }
func (m *bitmap) end() uint64   { return m.nbits }
