package pool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// A Remote is another process's pool, read through its descriptors. Reading asks
// the process nothing and does not stop it; what is read may be torn.
type Remote struct {
	pid     int
	extents map[uint32][]byte // a copy of each, by index
}

// Link is what /proc/PID/fd/N, and a mapping's name, say of a pool extent
// (memfd_create(2)).
const Link = "/memfd:lpc:pool (deleted)"

// OpenRemote copies the pool of a process. It needs the right to ptrace it
// (ptrace(2), PTRACE_MODE_READ); fs.ErrPermission and fs.ErrNotExist come through.
func OpenRemote(pid int) (*Remote, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	fds, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the descriptors of process %d: %w", pid, err)
	}
	r := &Remote{pid: pid}
	pools := map[uint32]map[uint32][]byte{}
	for _, fd := range fds {
		path := dir + "/" + fd.Name()
		if link, err := os.Readlink(path); err != nil || !strings.HasPrefix(link, Link) {
			continue
		}
		if err := r.add(path, pools); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	for number, extents := range pools {
		// A process in a pid namespace of its own has another number there; one that
		// was forked may hold its parent's pool besides its own.
		if number == uint32(pid) || len(pools) == 1 {
			r.extents = extents
		}
	}
	if len(r.extents) == 0 {
		return nil, fmt.Errorf("process %d has no pool: %w", pid, fs.ErrNotExist)
	}
	return r, nil
}

func (r *Remote) add(path string, pools map[uint32]map[uint32][]byte) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening a pool extent of process %d: %w", r.pid, err)
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, ExtentSize)
	if _, err := f.ReadAt(b, 0); err != nil {
		return fmt.Errorf("reading a pool extent of process %d: %w", r.pid, err)
	}
	h := view[ExtentHeader](b, 0)
	if h.Magic != ExtentMagic || h.Index >= reserve/ExtentSize {
		return fmt.Errorf("reading a pool extent of process %d: it begins with %#x, want %#x", r.pid, h.Magic, uint64(ExtentMagic))
	}
	if pools[h.Pool] == nil {
		pools[h.Pool] = map[uint32][]byte{}
	}
	pools[h.Pool][h.Index] = b
	return nil
}

// block is the block with its header at off, if its header is whole.
func (r *Remote) block(off uint64) (BlockHeader, []byte, bool) {
	b := r.extents[uint32(off/ExtentSize)]
	h := view[BlockHeader](b, off%ExtentSize)
	if h == nil || h.Magic != BlockMagic || h.Size < blockHeaderSize || off%ExtentSize+uint64(h.Size) > ExtentSize {
		return BlockHeader{}, nil, false
	}
	at := off % ExtentSize
	return *h, b[at+blockHeaderSize : at+uint64(h.Size)], true
}

// Blocks calls f for each allocated block with the tag, with its address and body.
// The walk is bounded by the extents' size, whatever their content.
func (r *Remote) Blocks(tag Tag, f func(Addr, []byte)) {
	for i := range r.extents {
		base := uint64(i) * ExtentSize
		for off := uint64(sizeof[ExtentHeader]()); off+blockHeaderSize <= ExtentSize; {
			h, body, ok := r.block(base + off)
			if !ok {
				break // never used from here on, or torn
			}
			if h.State == BlockAllocated && h.Tag == tag {
				f(Addr(r.pid)<<poolShift|Addr(base+off+blockHeaderSize), body)
			}
			off += uint64(h.Size)
		}
	}
}

// Text is the text of a block.
func (r *Remote) Text(a Addr, n uint64) string {
	_, body, ok := r.block(a.Offset() - blockHeaderSize)
	if !ok || n > uint64(len(body)) {
		return ""
	}
	return string(body[:n])
}

// Header is a copy of the pool's header.
func (r *Remote) Header() (Header, error) {
	_, body, ok := r.block(uint64(sizeof[ExtentHeader]()))
	if h := view[Header](body, 0); ok && h != nil {
		if h.Version != Version {
			return *h, fmt.Errorf("pool of process %d has version %d, this program reads %d", r.pid, h.Version, Version)
		}
		return *h, nil
	}
	return Header{}, fmt.Errorf("pool of process %d has no header", r.pid)
}

// Port is a copy of a connection port's record with its name.
type Port struct {
	PortObject
	Text string
}

// Ports are the connection ports of the process.
func (r *Remote) Ports() (ports []Port) {
	r.Blocks(TagPort, func(_ Addr, body []byte) {
		p := view[PortObject](body, 0)
		if p == nil || p.Flags&PortKindMask != PortConnection || p.Flags&PortNameDeleted != 0 || p.Name == 0 {
			return
		}
		ports = append(ports, Port{PortObject: *p, Text: r.Text(p.Name, p.NameLength)})
	})
	return ports
}
