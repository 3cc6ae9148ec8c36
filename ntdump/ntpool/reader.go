package ntpool

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/ntdump"
)

// Builds at which pools changed.
const (
	xp          = 2600  // tags are counted only where a global flag says so
	vista       = 6000  // types of blocks
	win8        = 9200  // who is charged is encoded
	segmentHeap = 18362 // pools are heaps of segments
)

// Block is an allocation, or a free stretch of a page.
type Block struct {
	Addr      uint64 // of its header; of its data where it is Big
	Body      uint64 // of its data
	Size      uint64 // bytes with its header
	Previous  uint64 // bytes of the block in front, 0 for the first of a page
	Tag       [4]byte
	Protected bool // its tag is a protected one; that bit is not in Tag
	Allocated bool
	Paged     bool
	Quota     bool   // charged to a process
	Billed    uint64 // that process, 0 where it is not known
	Index     uint32 // PoolIndex
	Big       bool   // whole pages, without a header
}

// Reader reads the pools of a dump by the types and symbols that it has when the
// Reader is made. It is for one goroutine at a time.
type Reader struct {
	d     *ntdump.Dump
	types isf.Types
	l     *layout
	err   error // why blocks are not read

	big    []Block // by address; read once
	bigErr error
	bigAt  [2]uint64 // start and end of the table
	didBig bool

	window, windowAll, kept int // bounds of a window; a test makes them small
}

// New makes a reader. An error is a sentence on what is missing for everything; what
// is missing for blocks alone, Ranges and Page say.
func New(d *ntdump.Dump) (*Reader, error) {
	t := d.Types()
	if t == nil {
		h := d.Header()
		return nil, fmt.Errorf("the structures of build %d of %s are not known", h.Build, h.Machine)
	}
	r := &Reader{d: d, types: t, window: maxWindow, windowAll: maxWindowAll, kept: maxKept}
	if build := d.Header().Build; build >= segmentHeap {
		r.err = fmt.Errorf("the pools of build %d are segment heaps, whose blocks are not read by this version", build)
	} else {
		r.l, r.err = newLayout(t, build)
	}
	return r, nil
}

// number reads a variable: by its symbol, of size bytes (0: a pointer's).
func (r *Reader) symbol(name string, size int) (uint64, bool) {
	at, ok := r.d.Symbol(name)
	if !ok {
		return 0, false
	}
	if size == 0 {
		size = r.d.PointerSize()
	}
	v, err := r.d.Number(ntdump.Space{}, at, size)
	return v, err == nil
}

// variable reads a variable that the debugger data names.
func (r *Reader) variable(f ntdump.Field) (uint64, bool) {
	at, ok := r.d.Debugger().Address(f)
	if !ok {
		return 0, false
	}
	v, err := r.d.Pointer(ntdump.Space{}, at)
	return v, err == nil
}
