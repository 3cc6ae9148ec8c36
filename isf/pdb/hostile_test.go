package pdb

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/bin"
	"github.com/seed-eedd8485/lpc/internal/pdbtest"
)

// allocated is how many bytes f allocates in all.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A file whose streams are all made of one block has streams of more bytes than it has
// itself: they are read as far as they add up to it.
func TestSharedBlocks(t *testing.T) {
	const blockSize, streams, each = 512, 64, 2
	var dir, super, numbers pdbtest.Buf
	dir.U32(streams)
	for range streams {
		dir.U32(each * blockSize)
	}
	for range streams * each {
		dir.U32(3)
	}
	blocks := 4 + (dir.Len()+blockSize-1)/blockSize // superblock, free block maps, data, directory
	for i := 4; i < blocks; i++ {
		numbers.U32(i)
	}
	super.WriteString(magic7)
	super.U32(blockSize, 1, blocks+1, dir.Len(), 0, blocks)
	data := make([]byte, (blocks+1)*blockSize)
	copy(data, super.Bytes())
	copy(data[4*blockSize:], dir.Bytes())
	copy(data[blocks*blockSize:], numbers.Bytes())
	c, err := openContainer(bin.FromBytes("shared", data))
	if err != nil {
		t.Fatal(err)
	}
	total := dir.Len()
	for i := range streams {
		b, err := c.stream("a stream", i)
		total += each * blockSize
		switch {
		case total <= len(data) && (err != nil || len(b) != each*blockSize):
			t.Errorf("stream %d: %d bytes, %v", i, len(b), err)
		case total > len(data) && (err == nil || !strings.Contains(err.Error(), "blocks stand in more than one")):
			t.Errorf("stream %d: %d bytes, %v: the file has %d and %d were read", i, len(b), err, len(data), total)
		}
	}
}

// Names of streams that overlap, and frames that all name one program, take no more
// memory than a few times the file's.
func TestOverlappingStrings(t *testing.T) {
	const entries = 1 << 15
	long := strings.Repeat("a", 1<<18)
	for name, change := range map[string]func(s [][]byte){
		"names of streams": func(s [][]byte) {
			var b pdbtest.Buf
			b.Write(s[sInfo][:28])
			b.U32(len(long)).WriteString(long)
			b.U32(entries, entries, entries/32).Write(bytes.Repeat([]byte{0xff}, entries/8))
			b.U32(0)
			for i := range entries {
				b.U32(i, sNames)
			}
			s[sInfo] = b.Bytes()
		},
		"programs of frames": func(s [][]byte) {
			s[sFrameData] = bytes.Repeat(s[sFrameData][:32], entries)
			var b pdbtest.Buf
			b.U32(0xeffeeffe, 1, maxString).Write(append(bytes.Repeat([]byte("a"), maxString-1), 0))
			s[sNames] = b.Bytes()
		},
	} {
		s := writtenStreams()
		change(s)
		data := pdbtest.MSF(4096, s)
		var err error
		if n := allocated(func() { _, err = New("hostile", bytes.NewReader(data), int64(len(data))) }); n > 40*uint64(len(data)) || err != nil {
			t.Errorf("%s: %d bytes were allocated for a file of %d, %v", name, n, len(data), err)
		}
	}
}

// A string without an end within the bound is none, and not its beginning.
func TestStringTable(t *testing.T) {
	table := stringTable("one\x00" + strings.Repeat("b", maxString) + "\x00" + strings.Repeat("c", maxString+1) + "\x00open")
	for off, want := range map[uint32]string{
		0: "one", 2: "e", 3: "", 4: strings.Repeat("b", maxString), 5 + maxString: "", 6 + maxString: strings.Repeat("c", maxString),
		uint32(len(table)) - 4: "", uint32(len(table)): "", 1<<32 - 1: "",
	} {
		if got := table.at(off); got != want {
			t.Errorf("at %d: %d bytes, want %d", off, len(got), len(want))
		}
	}
}
