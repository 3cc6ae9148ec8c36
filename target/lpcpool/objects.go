package lpcpool

import (
	"fmt"
	"iter"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target"
)

// maxName bounds the text of a name: 8 components of 255 encoded bytes and more
// (namespace.MaxComponent).
const maxName = 4096

// Ports is target.System's: the port objects of all pools, then the ports that are
// known of processes which may not be read, and those whose process is not known.
func (v *View) Ports() (iter.Seq[target.Object], string) {
	return func(yield func(target.Object) bool) {
		for p := range v.of(0) {
			if !p.ports(yield) {
				return
			}
		}
		for _, o := range v.strays {
			if !yield(o) {
				return
			}
		}
	}, ""
}

func (p *poolState) ports(yield func(target.Object) bool) bool {
	if err := p.src.Process.Err; err != nil {
		for _, o := range p.src.Ports {
			o.Process = p.address(headerBody)
			if o.Err == nil {
				o.Err = err
			}
			if !yield(o) {
				return false
			}
		}
		if len(p.src.Ports) == 0 {
			return yield(target.Object{Process: p.address(headerBody), Err: err})
		}
		return true
	}
	port := p.layout("_LPCP_PORT_OBJECT")
	for f := range p.tagged(pool.TagPort) {
		switch {
		case f.err != nil:
			if !yield(target.Object{Addr: f.addr(), Process: p.address(headerBody), Err: f.err}) {
				return false
			}
		case f.head.owner != 0: // the text of a name carries the same tag and belongs to its port
		case port.of(f).unmade(): // no connection has it yet
		case !yield(p.port(port.of(f), f.head)):
			return false
		}
	}
	return true
}

// unmade tells a port object that was allocated and not written yet.
func (r record) unmade() bool {
	flags, ok := r.u64("Flags")
	return ok && flags == 0
}

// port describes a port object by its record.
func (p *poolState) port(r record, h blockHead) target.Object {
	o := p.object(r.addr, "Port")
	flags, ok := r.u64("Flags")
	if !ok {
		o.Err = errNotDescribed
		return o
	}
	if kind := flags & pool.PortKindMask; kind < pool.PortConnection || kind > pool.PortClientComm {
		o.Err = fmt.Errorf("a block with tag %s whose flags %#x name no kind of port", h.tag[:], flags)
		return o
	}
	if flags&pool.PortWaitable != 0 {
		o.Type = "WaitablePort"
	}
	o.Handles, o.Pointers = r.count("HandleCount"), r.count("PointerCount")
	if flags&pool.PortKindMask != pool.PortConnection {
		return o
	}
	at, _ := r.u64("Name")
	n, _ := r.u64("NameLength")
	text, err := p.text(at, n)
	if err != nil {
		o.Err = fmt.Errorf("its name is not readable: %w", err)
		return o
	}
	o.Path, o.Name = text, text[strings.LastIndexByte(text, '\\')+1:]
	return o
}

func (r record) count(field string) int64 {
	n, _ := r.u64(field)
	return int64(n)
}

// object is what every block says of itself.
func (p *poolState) object(addr uint64, typ string) target.Object {
	return target.Object{Addr: addr, Type: typ, Header: addr - blockHeader, Process: p.address(headerBody)}
}

// text is the text in a block of the pool. It is as its process wrote it: who
// prints it escapes control characters.
func (p *poolState) text(addr, n uint64) (string, error) {
	if addr>>poolShift != uint64(p.src.Number) {
		return "", fmt.Errorf("%#x is not in the pool of process %d", addr, p.src.Process.ID)
	}
	if n > maxName {
		return "", fmt.Errorf("%d bytes, expected at most %d", n, maxName)
	}
	off := addr & offsetMask
	h, ok := blockHead{}, false
	if off >= blockHeader {
		h, ok = p.blockAt(off - blockHeader)
	}
	if !ok || n > uint64(h.size)-blockHeader || h.state != pool.BlockAllocated {
		return "", fmt.Errorf("no block of %d bytes at %#x", n, addr)
	}
	b := make([]byte, n)
	if m, why := p.read(b, off); m < len(b) {
		return "", fmt.Errorf("no memory at %#x: %s", addr, why)
	}
	return string(b), nil
}

// objectTypes are the types of blocks that are objects, as a debugger names them.
var objectTypes = map[pool.Tag]string{
	pool.TagPort: "Port", pool.TagThread: "Thread", pool.TagSection: "Section", pool.TagToken: "Token",
	pool.TagMessage: "Message", pool.TagHandle: "HandleTable", pool.TagPool: "Process",
}

// Object is target.System's.
func (v *View) Object(addr uint64) (target.Object, error) {
	p := v.pools[uint32(addr>>poolShift)]
	if p == nil {
		return target.Object{}, &target.Absent{Addr: addr, Why: noPool(addr)}
	}
	if err := p.src.Process.Err; err != nil {
		return p.object(addr, ""), &target.Absent{Addr: addr, Why: err.Error()}
	}
	off := addr & offsetMask
	if off < headerBody {
		return target.Object{}, fmt.Errorf("no object stands at %#x: no block begins in front of it", addr)
	}
	h, ok := p.blockAt(off - blockHeader)
	if !ok {
		return target.Object{}, fmt.Errorf("no object stands at %#x: no block begins in front of it", addr)
	}
	if h.state != pool.BlockAllocated {
		return target.Object{}, fmt.Errorf("no object stands at %#x: its block is free (tag %q)", addr, h.tag[:])
	}
	typ := objectTypes[h.tag]
	switch {
	case typ == "":
		return target.Object{}, fmt.Errorf("no object stands at %#x but a block with tag %q", addr, h.tag[:])
	case h.tag == pool.TagPort && h.owner != 0:
		return target.Object{}, fmt.Errorf("no object stands at %#x but the name of the port at %#x", addr, h.owner)
	case h.tag == pool.TagPort:
		return p.port(p.record("_LPCP_PORT_OBJECT", addr), h), nil
	case h.tag == pool.TagPool && off != headerBody:
		return target.Object{}, fmt.Errorf("no object stands at %#x but the pool's type description", addr)
	}
	return p.object(addr, typ), nil
}
