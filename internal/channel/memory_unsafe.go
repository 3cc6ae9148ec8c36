package channel

import (
	"sync/atomic"
	"unsafe"

	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/wire"
	"golang.org/x/sys/unix"
)

// The conversions here are sound because a channel is Size bytes (checked when
// it is mapped), offsets are constants of this version plus an index that was
// checked against the number of slots or cells, all are aligned, and the section
// stays mapped as long as an end uses it (the engine counts).

// view is one direction of a mapped channel.
type view struct {
	*lines
	ring  *[ringSize]uint32
	hints *[hintSize]uint32
	slots unsafe.Pointer
	cells unsafe.Pointer
	area  *area
}

func newView(b []byte, a *area) view {
	p := unsafe.Pointer(unsafe.SliceData(b))
	return view{
		lines: (*lines)(unsafe.Add(p, a.lines)),
		ring:  (*[ringSize]uint32)(unsafe.Add(p, a.ring)),
		hints: (*[hintSize]uint32)(unsafe.Add(p, a.hints)),
		slots: unsafe.Add(p, a.slots),
		cells: unsafe.Add(p, a.cells),
		area:  a,
	}
}

// slot is slot i; i is below area.nslots.
func (v *view) slot(i int) *slot { return (*slot)(unsafe.Add(v.slots, i*slotStride)) }

// cell is cell i; i is below area.ncells.
func (v *view) cell(i int) *slot { return (*slot)(unsafe.Add(v.cells, i*slotStride)) }

func headerOf(s *section.Section) *header {
	return (*header)(unsafe.Pointer(unsafe.SliceData(s.Bytes())))
}

func timespecPtr(ts *unix.Timespec) unsafe.Pointer { return unsafe.Pointer(ts) }

// ptr32 is an address for a system call; the caller keeps it alive over the call.
func ptr32(p *uint32) unsafe.Pointer { return unsafe.Pointer(p) }

// putDataInfo writes a data info entry as a message's data; it returns its size.
func putDataInfo(data *[wire.MaxInline]byte, d *wire.DataInfo) int {
	*(*wire.DataInfo)(unsafe.Pointer(data)) = *d
	return wire.DataInfoSize
}

// getDataInfo copies a data info entry out, each field once. Data is 8-aligned in
// slots, cells and message records.
func getDataInfo(data *[wire.MaxInline]byte) wire.DataInfo {
	p := (*wire.DataInfo)(unsafe.Pointer(data))
	return wire.DataInfo{
		Count: atomic.LoadUint32(&p.Count), Base: atomic.LoadUint64(&p.Base), DataLength: atomic.LoadUint64(&p.DataLength),
	}
}

// expectReply fetches the second line of a slot, where a reply will be written that
// is as long as its request. Not the first: the caller polls it.
func (v *view) expectReply(i int) {
	prefetchWrite(unsafe.Add(v.slots, i*slotStride+lineSize))
}
