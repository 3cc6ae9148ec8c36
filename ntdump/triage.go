package ntdump

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/bin"
)

// triage is the second header of a small dump (reference 3.4): where in the file
// its pieces stand. An offset or a size is 0 where an older writer's header ends
// before it.
type triage struct {
	at            int64  // of this header, and its size in bytes, as far as read
	pointer       int64  // size of a pointer
	servicePack   uint32 // ServicePackBuild
	size          int64  // SizeOfDump; secondary data may follow
	valid         int64  // ValidOffset: 'TRGD' stands there in a dump that was finished
	context       int64
	exception     int64
	unloaded      int64
	prcb          int64
	process       int64
	thread        int64
	stack         int64 // CallStackOffset
	stackSize     int64
	drivers       int64
	driverCount   uint32
	strings       int64
	stringsSize   int64
	topOfStack    uint64 // address of the first byte of the call stack
	bstoreSize    int64  // Itanium: bytes of the backing store that are in use
	bstoreLimit   uint64 // Itanium: address behind the backing store
	dataPage      uint64 // address
	dataPageOff   int64
	dataPageSize  int64
	debugger      int64
	debuggerSize  int64
	blocks        int64
	blockCount    uint32
	hasDataBlocks bool
	threadAddr    uint64 // of the thread whose copy the dump holds, 0 where not known
	processAddr   uint64 // of its process
}

// readTriage reads the second header and gathers the memory of a small dump.
func (d *Dump) readTriage() error {
	t := &triage{at: header32Bytes, pointer: 4}
	if d.header.Bits == 64 {
		t.at, t.pointer = header64Bytes, 8
	}
	r := bin.New("triage header", d.src, d.size)
	r.Seek("ServicePackBuild", t.at)
	off := func(name string) int64 { return int64(r.U32(name)) }
	t.servicePack = r.U32("ServicePackBuild")
	t.size = off("SizeOfDump")
	t.valid = off("ValidOffset")
	t.context = off("ContextOffset")
	t.exception = off("ExceptionOffset")
	off("MmOffset")
	t.unloaded = off("UnloadedDriversOffset")
	t.prcb = off("PrcbOffset")
	t.process = off("ProcessOffset")
	t.thread = off("ThreadOffset")
	t.stack = off("CallStackOffset")
	t.stackSize = off("SizeOfCallStack")
	t.drivers = off("DriverListOffset")
	t.driverCount = r.U32("DriverCount")
	t.strings = off("StringPoolOffset")
	t.stringsSize = off("StringPoolSize")
	off("BrokenDriverOffset")
	off("TriageOptions")
	if t.pointer == 8 {
		t.topOfStack = r.U64("TopOfStack")
		// Itanium's backing store: where its copy stands, its bytes, its highest address.
		off("BStoreOffset")
		t.bstoreSize, t.bstoreLimit = off("SizeOfBStore"), r.U64("LimitOfBStore")
	} else {
		t.topOfStack = uint64(r.U32("TopOfStack"))
	}
	if err := r.Err(); err != nil {
		return err
	}
	t.readTail(r)
	if err := r.Err(); err != nil {
		return err
	}
	d.small = t
	if t.size > d.size {
		d.note("the dump is cut short: the file has %d bytes of %d", d.size, t.size)
	} else if !t.finished(d) {
		d.note("the mark at the dump's end (TRGD at offset %#x) is missing: the writer did not finish", t.valid)
	}
	return d.gather()
}

// readTail reads the fields that writers of different age have or have not. They
// are there when the first piece of the dump starts behind them.
func (t *triage) readTail(r *bin.Reader) {
	end := t.at + 0x1000 // nothing is known to start earlier than the smallest offset
	for _, o := range []int64{t.unloaded, t.prcb, t.process, t.thread, t.stack, t.drivers, t.strings} {
		if o > t.at {
			end = min(end, o)
		}
	}
	has := func(n int64) bool { return r.Err() == nil && r.Offset()+n <= end && r.Left() >= n }
	if !has(t.pointer + 8) {
		return
	}
	if t.pointer == 8 {
		t.dataPage = r.U64("DataPageAddress")
	} else {
		t.dataPage = uint64(r.U32("DataPageAddress"))
	}
	t.dataPageOff, t.dataPageSize = int64(r.U32("DataPageOffset")), int64(r.U32("DataPageSize"))
	if !has(8) {
		return
	}
	t.debugger, t.debuggerSize = int64(r.U32("DebuggerDataOffset")), int64(r.U32("DebuggerDataSize"))
	if !has(8) {
		return
	}
	t.blocks, t.blockCount = int64(r.U32("DataBlocksOffset")), r.U32("DataBlocksCount")
	t.hasDataBlocks = true
}

// finished says whether the mark of a whole dump stands where it should.
func (t *triage) finished(d *Dump) bool {
	if t.valid == 0 || t.valid == filler32 {
		return true // an older writer leaves it out
	}
	var mark [4]byte
	n, err := d.readFile(t.valid, mark[:])
	return err == nil && n == 4 && string(mark[:]) == "TRGD"
}

// maxBlocks bounds the data blocks of a small dump.
const maxBlocks = 1 << 20

// gather puts together the memory of a small dump: the call stack, the data page,
// the data blocks, the debugger data. The records of thread and process join when
// their addresses are known (triagethread.go).
func (d *Dump) gather() error {
	t, b := d.small, &blocks{}
	b.add(t.topOfStack, t.stack, t.stackSize, d)
	b.add(t.dataPage, t.dataPageOff, t.dataPageSize, d)
	if t.debugger != 0 && d.header.Debugger != 0 {
		b.add(d.header.Debugger, t.debugger, t.debuggerSize, d)
	}
	if t.hasDataBlocks && t.blocks != 0 && t.blocks != filler32 {
		each := 8 + t.pointer
		r := bin.New("triage data blocks", d.src, d.size)
		r.Seek("data blocks", t.blocks)
		n := r.Count("DataBlocksCount", uint64(t.blockCount), each, maxBlocks)
		for range n {
			va := uint64(0)
			if t.pointer == 8 {
				va = r.U64("block address")
			} else {
				va = uint64(r.U32("block address"))
			}
			off, size := int64(r.U32("block offset")), int64(r.U32("block size"))
			b.add(va, off, size, d)
		}
		if err := r.Err(); err != nil {
			d.note("the data blocks are not read: %v", err)
		}
	}
	if b.cut > 0 {
		d.note("%d of the dump's pieces of memory do not stand in the file as a whole", b.cut)
	}
	b.settle()
	d.blocks = b
	return nil
}

// ServicePack is the build number of the service pack as a small dump notes it.
func (d *Dump) ServicePack() Known {
	if d.small == nil {
		return Known{}
	}
	return Known{uint64(d.small.servicePack), true}
}

// CallStack is the stretch of stack memory that a small dump holds, from the stack
// pointer up. It is empty for other dumps.
func (d *Dump) CallStack() Range {
	if d.small == nil || d.small.topOfStack == 0 {
		return Range{}
	}
	return Range{d.small.topOfStack, uint64(d.small.stackSize)}
}

// piece returns the bytes of a record that the second header points to, at most
// limit; nil when there is none.
func (d *Dump) piece(name string, off, size, limit int64) ([]byte, error) {
	if off == 0 || off == filler32 {
		return nil, nil
	}
	r := bin.New("triage dump", d.src, d.size)
	r.Seek(name, off)
	b := r.Bytes(name, size, limit)
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return b, nil
}
