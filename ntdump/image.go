package ntdump

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// ErrNoKernel is wrapped when a memory image was read and no Windows kernel was found
// in it; the message says what was found.
var ErrNoKernel = errors.New("no Windows kernel was found in the memory")

// MemoryImage is the Type of what no Windows wrote: the memory of a machine as its
// hypervisor or another program saved it. Reference 3.3 ends far below.
const MemoryImage Type = 1 << 16

// Extent is a stretch of physical memory that stands in a file. Only whole pages of
// it are used.
type Extent struct {
	Addr, Size uint64 // physical address, bytes
	Offset     int64  // of its first byte in the file
}

// Image says how a machine's physical memory stands in a file.
type Image struct {
	Kind       string // for people: "raw memory image"
	Extents    []Extent
	Processors []Processor // as the hypervisor saved them, in its order; may be empty
}

// Processor is a virtual processor's state.
type Processor struct {
	Registers *Registers
	CR3       uint64 // physical address of its page tables, with flags; 0: not known
}

// OpenImage opens the file at path as a memory image and finds the kernel in it: the
// root of its page tables and the debugger data block, each of which proves the
// other. It reads the memory in order up to where both stand, all of it at worst;
// holes of a sparse file cost nothing. ctx ends that. The error is a sentence that
// wraps ErrNoKernel, or what the system said.
func OpenImage(ctx context.Context, path string, im Image) (*Dump, error) {
	src, size, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("opening memory image: %w", err)
	}
	// What is read once and in order is read by calls, not through the mapping.
	f, err := os.Open(path)
	if err != nil {
		_ = src.Close() // read only: nothing is lost
		return nil, fmt.Errorf("opening memory image: %w", err)
	}
	defer func() { _ = f.Close() }()
	d, err := newImage(ctx, src, size, im, holes{f})
	if err != nil {
		_ = src.Close()
		return nil, fmt.Errorf("opening memory image %s: %w", path, err)
	}
	d.close = src.Close
	return d, nil
}

// NewImage is OpenImage for an image in the first size bytes of src, which stays the
// caller's and must live as long as the dump.
func NewImage(ctx context.Context, src io.ReaderAt, size int64, im Image) (*Dump, error) {
	return newImage(ctx, src, max(size, 0), im, whole{src})
}

func newImage(ctx context.Context, src io.ReaderAt, size int64, im Image, scan scanSource) (*Dump, error) {
	m, notes, err := newExtents(im.Extents)
	if err != nil {
		return nil, err
	}
	if m.total == 0 {
		return nil, fmt.Errorf("%w: it has not one whole page of %d bytes", ErrNoKernel, pageBytes)
	}
	d := &Dump{src: src, size: size, phys: m, notes: notes, processors: slices.Clone(im.Processors)}
	for _, r := range m.list {
		if end := r.off + int64(r.count)*pageBytes; end > size {
			d.note("the image is cut short: the file has %d bytes of %d", size, end)
			break
		}
	}
	found, err := d.findKernel(ctx, scan)
	if err != nil {
		return nil, err
	}
	d.header, d.mode = found.header, found.mode
	d.header.Image = im.Kind
	d.dropForeign()
	if i := found.image; i != nil {
		d.encoded = i
		d.note("the debugger data block is encoded, as Windows 8 and later for x64 keep it: what it tells is known with the kernel's symbol file alone")
		d.header.Machine, d.header.Bits = X64, 64
		d.fillShared()
		return d, nil
	}
	d.debugger.Store(found.debugger)
	d.fillHeader()
	if note := d.setOwnTypes(); note != "" {
		d.note("%s", note)
	}
	d.useSystemTables()
	return d, nil
}

// dropForeign leaves out registers of another width than the kernel's: those of a
// machine that was still starting.
func (d *Dump) dropForeign() {
	n, was := 0, Machine(0)
	for i := range d.processors {
		if r := d.processors[i].Registers; r != nil && r.Machine != d.header.Machine {
			d.processors[i].Registers = nil
			n, was = n+1, r.Machine
		}
	}
	if n > 0 {
		d.note("the registers of %d processors are left out: %s, expected %s", n, was, d.header.Machine)
	}
}

// newExtents makes the map of an image: extents by address, cut to whole pages and to
// what no earlier one holds. Hypervisors that write memory by virtual address name a
// page as often as it is mapped.
func newExtents(list []Extent) (*runs, []string, error) {
	var all []run
	odd := 0
	for i, e := range list {
		if e.Offset < 0 || e.Size > math.MaxInt64 || e.Addr > maxPFN*pageBytes || e.Addr+e.Size > maxPFN*pageBytes || e.Offset > math.MaxInt64-int64(e.Size) {
			return nil, nil, fmt.Errorf("reading the extents of the memory: extent %d has %#x bytes at address %#x and offset %#x, expected addresses below %#x", i, e.Size, e.Addr, uint64(e.Offset), uint64(maxPFN*pageBytes))
		}
		skip := -e.Addr % pageBytes
		if skip != 0 || (e.Addr+e.Size)%pageBytes != 0 {
			odd++
		}
		if e.Size < skip+pageBytes {
			continue
		}
		all = append(all, run{base: (e.Addr + skip) / pageBytes, count: (e.Size - skip) / pageBytes, off: e.Offset + int64(skip)})
	}
	slices.SortStableFunc(all, func(a, b run) int { return cmp.Compare(a.base, b.base) })
	m := &runs{}
	for _, r := range all {
		if n := len(m.list); n > 0 {
			last := &m.list[n-1]
			if end := last.base + last.count; r.base < end {
				cut := min(end-r.base, r.count)
				r.base, r.count, r.off = r.base+cut, r.count-cut, r.off+int64(cut)*pageBytes
			}
			if r.count > 0 && r.base == last.base+last.count && r.off == last.off+int64(last.count)*pageBytes {
				last.count += r.count
				m.total += r.count
				continue
			}
		}
		if r.count > 0 {
			m.list = append(m.list, r)
			m.total += r.count
		}
	}
	var notes []string
	if odd > 0 {
		notes = append(notes, fmt.Sprintf("%d extents do not begin or end on a page: what is beside whole pages is left out", odd))
	}
	return m, notes, nil
}
