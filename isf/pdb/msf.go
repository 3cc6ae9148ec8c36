package pdb

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/seed-eedd8485/lpc/bin"
)

// The container: a file of equal blocks, of which streams are made (LLVM, "The
// MSF File Format").

const (
	magic7   = "Microsoft C/C++ MSF 7.00\r\n\x1aDS\x00\x00\x00"
	magic2   = "Microsoft C/C++ program database 2.00"
	noStream = 0xffff     // where a stream's number stands in 16 bits
	nilSize  = 0xffffffff // size of a stream that was deleted
)

// container finds streams.
type container struct {
	r         *bin.Reader // the file; used up to open only for its size and source
	blockSize int64
	blocks    int64 // blocks in the file
	sizes     []uint32
	first     []int    // where each stream's block numbers begin in numbers
	numbers   []uint32 // block numbers of all streams, one stream after the other
	room      int64    // bytes that may still be read: see gather
}

// openContainer reads the superblock and the stream directory.
func openContainer(r *bin.Reader) (*container, error) {
	if err := recognize(r); err != nil {
		return nil, err
	}
	c := &container{r: r, room: r.Size()}
	r.Seek("the superblock", int64(len(magic7)))
	blockSize := r.U32("block size")
	r.U32("free block map")
	blocks := r.U32("number of blocks")
	dirSize := r.U32("size of the directory")
	r.U32("reserved")
	mapBlock := r.U32("block of the directory map")
	if err := r.Err(); err != nil {
		return nil, err
	}
	// LINK writes 4096, and up to 32768 with /PDBPAGESIZE.
	if blockSize < 512 || blockSize > 32768 || blockSize&(blockSize-1) != 0 {
		return nil, fmt.Errorf("the blocks have %d bytes, expected a power of two from 512 to 32768", blockSize)
	}
	c.blockSize, c.blocks = int64(blockSize), int64(blocks)
	if c.blocks*c.blockSize > r.Size() {
		return nil, fmt.Errorf("the file is cut short: it has %d bytes, expected %d blocks of %d", r.Size(), blocks, blockSize)
	}
	if int64(dirSize) > r.Size() {
		return nil, fmt.Errorf("the stream directory has %d bytes, expected at most the file's %d", dirSize, r.Size())
	}
	// The map lists the blocks of the directory, in one run from mapBlock on.
	n := (int64(dirSize) + c.blockSize - 1) / c.blockSize
	r.Seek("the directory map", int64(mapBlock)*c.blockSize)
	list := make([]uint32, r.Count("the directory map", uint64(n), 4, r.Size()))
	for i := range list {
		list[i] = r.U32("block of the directory")
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	dir, err := c.gather("the stream directory", list, int64(dirSize))
	if err != nil {
		return nil, err
	}
	return c, c.directory(dir)
}

// recognize tells a file of another kind by its first bytes.
func recognize(r *bin.Reader) error {
	head := make([]byte, min(r.Size(), 64))
	r.Fill("the magic", head)
	if err := r.Err(); err != nil {
		return err
	}
	switch {
	case bytes.HasPrefix(head, []byte(magic7)):
		return nil
	case bytes.HasPrefix(head, []byte(magic2)):
		return errors.New("this is a program database of the older format 2.00, expected 7.00")
	case bytes.HasPrefix(head, []byte("BSJB")):
		return errors.New("this is a portable PDB of .NET, which describes no native code")
	case bytes.HasPrefix(head, []byte("MZ")):
		return errors.New("this is an image, expected its program database")
	case bytes.HasPrefix(head, []byte("MSCF")):
		return errors.New("this is a cabinet: expand it first (cabextract)")
	case bytes.HasPrefix(head, []byte("Microsoft C/C++")):
		return errors.New("the file is cut short within its first 32 bytes, or damaged there")
	}
	return errors.New("this is no program database: it does not begin with \"Microsoft C/C++ MSF 7.00\"")
}

// directory reads the sizes and block numbers of all streams.
func (c *container) directory(dir []byte) error {
	r := bin.FromBytes("stream directory", dir)
	c.sizes = make([]uint32, r.Count("number of streams", uint64(r.U32("number of streams")), 4, r.Size()))
	for i := range c.sizes {
		c.sizes[i] = r.U32("size of a stream")
	}
	c.first = make([]int, 0, len(c.sizes))
	for i, size := range c.sizes {
		if size == nilSize {
			size = 0
			c.sizes[i] = 0
		}
		// Blocks may stand in two streams only in a damaged file; gather sees to
		// that. None is larger than the file.
		if int64(size) > c.r.Size() {
			return fmt.Errorf("stream %d has %d bytes, expected at most the file's %d", i, size, c.r.Size())
		}
		c.first = append(c.first, len(c.numbers))
		n := (int64(size) + c.blockSize - 1) / c.blockSize
		for range r.Count("block numbers", uint64(n), 4, r.Size()) {
			c.numbers = append(c.numbers, r.U32("block number"))
		}
	}
	return r.Err()
}

// stream reads one whole stream; what names it in errors. A stream that is not
// there (noStream) is empty.
func (c *container) stream(what string, i int) ([]byte, error) {
	if i == noStream {
		return nil, nil
	}
	if i >= len(c.sizes) {
		return nil, fmt.Errorf("%s is said to be stream %d, expected at most %d", what, i, len(c.sizes)-1)
	}
	return c.gather(what, c.numbers[c.first[i]:], int64(c.sizes[i]))
}

// gather puts size bytes together from the blocks listed. Each stream is read once, and
// a block is in one stream: what is read in all is no more than the file. A small file
// that names its blocks again and again would else be a thousand times as large.
func (c *container) gather(what string, list []uint32, size int64) ([]byte, error) {
	if c.room -= size; c.room < 0 {
		return nil, fmt.Errorf("%s has %d bytes, with which the streams have more than the file's %d: blocks stand in more than one", what, size, c.r.Size())
	}
	out := make([]byte, size)
	file := c.r.Sub(what, 0, c.r.Size())
	for at, i := int64(0), 0; at < size; at, i = at+c.blockSize, i+1 {
		if int64(list[i]) >= c.blocks {
			return nil, fmt.Errorf("%s uses block %d, expected less than %d", what, list[i], c.blocks)
		}
		file.Seek("a block", int64(list[i])*c.blockSize)
		file.Fill("a block", out[at:min(at+c.blockSize, size)])
	}
	return out, file.Err()
}
