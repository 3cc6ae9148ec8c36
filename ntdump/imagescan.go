package ntdump

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// kernel is what a search found.
type kernel struct {
	header   *Header
	mode     *paging
	debugger *Debugger // nil: encoded
	image    *image    // what is known instead
}

// finder searches memory for the root of page tables and for the debugger data block.
// A root alone may be chance, and a block alone a copy in a cache or of an earlier
// start: they are believed together, when the block is read through the tables at the
// very place where it lies.
type finder struct {
	d       *Dump
	roots   []root
	blocks  []uint64 // physical addresses of tags
	kernels []uint64 // physical addresses of pages that look like a kernel's first one
	found   *kernel
	full    bool // a bound was reached, and something was left out
	walks   int  // searches of a kernel's image that were made
}

// root is a candidate for the root of page tables.
type root struct {
	mode *paging
	dtb  uint64
	hint bool // a processor's, with no look at what is in it
}

// Bounds of the candidates; each pair of a root and a block costs a few reads.
const (
	maxRoots  = 1024
	maxTags   = 64
	maxWalks  = 256
	scanChunk = 1 << 20
)

// findKernel searches the memory, from the lowest address on, up to where both are
// found: Windows has the tables of its first process among the first megabytes.
func (d *Dump) findKernel(ctx context.Context, scan scanSource) (*kernel, error) {
	f := &finder{d: d}
	for _, p := range d.processors {
		for _, m := range []*paging{pagingX64, pagingPAE, pagingX86} {
			if p.CR3 != 0 {
				f.addRoot(root{m, p.CR3 & m.rootMask, true})
			}
		}
	}
	m := d.phys.(*runs)
	for _, r := range m.list {
		if err := f.run(ctx, scan, r); err != nil {
			return nil, fmt.Errorf("searching the kernel: %w", err)
		}
		if f.found != nil {
			return f.found, nil
		}
	}
	if i := f.findImage(); i != nil {
		return &kernel{header: i.d.header, mode: i.d.mode, image: i}, nil
	}
	return nil, f.nothing()
}

// nothing says what was found, and what that can mean.
func (f *finder) nothing() error {
	n := 0
	for _, r := range f.roots {
		if !r.hint {
			n++
		}
	}
	what := fmt.Sprintf("of %d pages, %d can be the root of page tables and %d hold the tag of a debugger data block", f.d.phys.pages(), n, len(f.blocks))
	switch {
	case n == 0 && len(f.blocks) == 0:
		what += ": this is not the memory of a machine that runs Windows on x86 or x64, or its first part is missing"
	case len(f.blocks) == 0:
		what += ": Windows 8 and later for x64 keep that block encoded, and then the kernel is known by its image, which was not found either"
	default:
		what += ", and none of the blocks is reached through any of the tables"
	}
	if f.full {
		what += " (there were more than are looked at)"
	}
	return fmt.Errorf("%w: %s", ErrNoKernel, what)
}

// run searches one stretch of memory.
func (f *finder) run(ctx context.Context, scan scanSource, r run) error {
	buf := make([]byte, scanChunk)
	end := min(r.off+int64(r.count)*pageBytes, f.d.size)
	for pos := r.off; pos < end; {
		start, stop, ok := scan.data(pos, end)
		if !ok {
			return nil
		}
		// Holes need not begin and end where pages of the memory do.
		start = r.off + (start-r.off)/pageBytes*pageBytes
		stop = min(r.off+(stop-r.off+pageBytes-1)/pageBytes*pageBytes, end)
		for pos = start; pos < stop; {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			n, err := scan.ReadAt(buf[:min(int64(len(buf)), stop-pos)], pos)
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			n -= n % pageBytes
			if n == 0 {
				return nil // the file ends here
			}
			f.pages(buf[:n], r.base*pageBytes+uint64(pos-r.off))
			if f.found != nil {
				return nil
			}
			pos += int64(n)
		}
	}
	return nil
}

// pages looks at whole pages from a physical address on.
func (f *finder) pages(b []byte, pa uint64) {
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte("KDBG"))
		if i < 0 {
			break
		}
		if at += i; at%8 == 0 {
			f.addBlock(pa + uint64(at))
		}
		at += 4
	}
	for off := 0; off < len(b); off += pageBytes {
		page, at := b[off:off+pageBytes], pa+uint64(off)
		if selfX64(page, at) {
			f.addRoot(root{pagingX64, at, false})
		}
		if isKernel(page) && len(f.kernels) < maxKernels {
			f.kernels = append(f.kernels, at)
		}
		if selfX86(page, at) {
			f.addRoot(root{pagingX86, at, false})
		}
		f.pointers(page, at)
	}
}

// addRoot tries a root with all blocks that are known.
func (f *finder) addRoot(r root) {
	for _, have := range f.roots {
		if have.mode == r.mode && have.dtb == r.dtb {
			return
		}
	}
	if len(f.roots) >= maxRoots {
		f.full = true
		return
	}
	f.roots = append(f.roots, r)
	for _, b := range f.blocks {
		f.try(r, b)
	}
}

// addBlock tries a block with all roots that are known.
func (f *finder) addBlock(tag uint64) {
	if !f.plausible(tag) {
		return
	}
	if len(f.blocks) >= maxTags {
		f.full = true
		return
	}
	f.blocks = append(f.blocks, tag)
	for _, r := range f.roots {
		f.try(r, tag)
	}
}

// plausible looks at the size and the kernel's base behind a tag: text that mentions
// a block has neither.
func (f *finder) plausible(tag uint64) bool {
	size, err := f.d.physWord(tag+4, 4)
	if err != nil || size < minDebuggerBytes || size > maxDebuggerBytes {
		return false
	}
	base, err := f.d.physWord(tag+8, 8)
	return err == nil && (base>>47 == 0x1ffff || base>>31 == 1) && base%pageBytes == 0
}

// try believes a root and a block when each leads to the other.
func (f *finder) try(r root, tag uint64) {
	if f.found != nil {
		return
	}
	d := r.dump(f.d)
	at, ok := d.listed(tag)
	if !ok {
		if f.walks >= maxWalks {
			f.full = true
			return
		}
		var walked bool
		at, walked, ok = d.inKernel(tag)
		if walked {
			f.walks++
		}
		if !ok {
			return
		}
	}
	k, err := d.debuggerAt(at)
	if err != nil {
		return
	}
	head, ok := k.Address(PsLoadedModuleList)
	if !ok {
		return
	}
	if first, err := d.Pointer(Space{}, head); err != nil || !d.kernel(first) {
		return
	}
	k.How = "scan of physical memory"
	f.found = &kernel{header: d.header, mode: d.mode, debugger: k}
}

// dump is the memory as one would see it through a root.
func (r root) dump(of *Dump) *Dump {
	h := &Header{Type: MemoryImage, Bits: 32, Machine: X86, DTB: r.dtb}
	switch r.mode {
	case pagingX64:
		h.Bits, h.Machine = 64, X64
	case pagingPAE:
		h.PAE = Known{1, true}
	default:
		h.PAE = Known{0, true}
	}
	return &Dump{header: h, src: of.src, size: of.size, phys: of.phys, mode: r.mode}
}

// kernelPages is how far from its base on the kernel's image is searched for a block,
// in pages: more than any kernel has.
const kernelPages = 32 << 20 / pageBytes

// stands says whether a block's tag stands at a physical address.
func (d *Dump) stands(block, tag uint64) bool {
	t, err := d.Translate(Space{}, block+0x10)
	return err == nil && t.Absent == nil && t.Physical == tag
}

// listed is the virtual address of the block whose tag has a physical address, by the
// list that it is linked into.
func (d *Dump) listed(tag uint64) (uint64, bool) {
	if tag%pageBytes < 0x10 {
		return 0, false // its links stand on another page
	}
	ptr := d.PointerSize()
	head, err := d.physWord(tag-0x10, ptr)
	if err != nil || !d.kernel(head) {
		return 0, false
	}
	for _, link := range []uint64{head, head + uint64(ptr)} {
		if at, err := d.Pointer(Space{}, link); err == nil && d.stands(at, tag) {
			return at, true
		}
	}
	return 0, false
}

// inKernel is the same by its place in the kernel's image, which the block names.
// walked tells that the image was searched, and not only looked for.
func (d *Dump) inKernel(tag uint64) (at uint64, walked, ok bool) {
	base, err := d.physWord(tag+8, d.PointerSize())
	if err != nil || !d.kernel(base) {
		return 0, false, false
	}
	if t, err := d.Translate(Space{}, base); err != nil || t.Absent != nil {
		return 0, false, false
	}
	for n := range uint64(kernelPages) {
		va := base + n*pageBytes
		if va < base {
			break
		}
		if at := va + tag%pageBytes - 0x10; d.stands(at, tag) {
			return at, true, true
		}
	}
	return 0, true, false
}
