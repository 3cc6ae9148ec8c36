package ntdump

import (
	"strconv"

	"github.com/seed-eedd8485/lpc/isf"
)

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// addByShape adds the members that no debugger block tells: the ids of thread and
// process, the list of processes, the image's name. Each is taken only where the
// bytes of the current thread and process can be nothing else: one place, and one
// alone, has the shape. irps is the offset of _ETHREAD.IrpList.
//
// Cid stands a fixed distance before IrpList on every build from Vista on: behind
// it come a semaphore and a pointer to the client's security.
func (d *Dump) addByShape(p *partial, ethread, process *isf.Layout, irps int) {
	semaphore := 0x20
	if p.ptr == 4 {
		semaphore = 0x14
	}
	cid := irps - p.ptr - semaphore - 2*p.ptr
	t, ok := d.currentThread(p)
	if !ok || cid <= 0 {
		return
	}
	ids := make([]byte, 2*p.ptr)
	if _, err := d.ReadMemory(t.addr+uint64(cid), ids); err != nil {
		return
	}
	pid, tid := Word(ids, p.ptr), Word(ids[p.ptr:], p.ptr)
	// Ids are multiples of 4, and small numbers. The idle process has 0.
	if pid%4 != 0 || tid%4 != 0 || pid == 0 || tid == 0 || pid > 1<<26 || tid > 1<<26 {
		return
	}
	p.field(ethread, "Cid", cid, p.cidType())
	if process.Size <= 0 {
		return
	}
	body := make([]byte, process.Size)
	n, _ := d.ReadMemory(t.process, body)
	body = body[:n]
	if at, ok := d.processID(body, p.ptr, pid); ok {
		p.field(process, "UniqueProcessId", at, p.pointer())
		p.field(process, "ActiveProcessLinks", at+p.ptr, p.linkType())
	}
	parent, ok := d.Debugger().Offset(EProcessParentCid)
	if !ok {
		return
	}
	if at, ok := imageName(body, parent+p.ptr); ok {
		p.field(process, "ImageFileName", at, p.array(p.number(1), imageNameBytes))
	}
}

// processID finds the one place that holds the id with two kernel pointers behind
// it, the links of the list of processes.
func (d *Dump) processID(body []byte, ptr int, pid uint64) (int, bool) {
	at, found := 0, 0
	for i := 0; i+3*ptr <= len(body); i += ptr {
		next, prev := Word(body[i+ptr:], ptr), Word(body[i+2*ptr:], ptr)
		if Word(body[i:], ptr) == pid && d.kernel(next) && d.kernel(prev) && next != prev {
			at, found = i, found+1
		}
	}
	return at, found == 1
}

// imageNameBytes is the length of ImageFileName on Vista and later.
const imageNameBytes = 15

// imageName finds the one place within 200h bytes from start on that holds a name:
// 3 to 14 characters, then NUL to the end of the array.
func imageName(body []byte, start int) (int, bool) {
	at, found := 0, 0
	for i := start &^ 7; i < start+0x200 && i+imageNameBytes <= len(body); i += 8 {
		n := 0
		for n < imageNameBytes && body[i+n] >= 0x20 && body[i+n] < 0x7f {
			n++
		}
		zeros := n
		for zeros < imageNameBytes && body[i+zeros] == 0 {
			zeros++
		}
		if n >= 3 && n < imageNameBytes && zeros == imageNameBytes {
			at, found = i, found+1
		}
	}
	return at, found == 1
}

// kernel says whether an address belongs to the kernel's half.
func (d *Dump) kernel(va uint64) bool {
	switch {
	case d.header.Bits == 32:
		return va>>31 == 1
	case d.header.Machine == IA64:
		return va>>61 == 7 // region 7 (Itanium Architecture manual, volume 2, 4.1)
	}
	return va>>47 == 0x1ffff
}
