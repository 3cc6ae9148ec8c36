package ntdump

import (
	"bytes"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/ntdump/pe"
)

// Windows 8 and later for x64 keep the debugger data block encoded while nobody debugs
// the machine. Then the kernel is known by its image alone: by the symbol file that it
// names. With that file the block can be found and decoded (imagedecode.go).

// kernelFiles are the symbol files of kernels, by what they were linked for: one or
// more processors, without and with PAE.
var kernelFiles = []string{"ntkrnlmp.pdb", "ntoskrnl.pdb", "ntkrnlpa.pdb", "ntkrpamp.pdb"}

// kernelArea is where x64 maps its kernel and drivers: the 512 GB of one entry of the
// root.
const kernelArea = 0xfffff80000000000

// maxKernels bounds the pages that look like a kernel's first one. Copies stand in
// caches.
const maxKernels = 32

// isKernel says whether a page can be the first one of a kernel's image: its section
// table names sections that no driver has.
func isKernel(page []byte) bool {
	if page[0] != 'M' || page[1] != 'Z' {
		return false
	}
	header := page[:0x800]
	return bytes.Contains(header, []byte("POOLCODE")) && bytes.Contains(header, []byte("PAGELK"))
}

// image is a kernel's image without its debugger data.
type image struct {
	d    *Dump // the memory as one sees it through the root
	base uint64
	name string // as it was linked: "ntkrnlmp.exe"
	pe   *pe.Image
}

// findImage looks for a kernel's image through the roots: the page that looks like one
// must be mapped where kernels are, and name a kernel's symbol file when read there.
func (f *finder) findImage() *image {
	for _, r := range f.roots {
		if r.mode != pagingX64 {
			continue
		}
		d := r.dump(f.d)
		for _, va := range d.mapped(kernelArea, f.kernels) {
			i, err := pe.Loaded(d, va)
			if err != nil {
				continue
			}
			cv, err := i.CodeView()
			file := strings.ToLower(cv.PDB[strings.LastIndexAny(cv.PDB, `/\`)+1:])
			if err == nil && slices.Contains(kernelFiles, file) {
				return &image{d, va, strings.TrimSuffix(file, ".pdb") + ".exe", i}
			}
		}
	}
	return nil
}

// mapped finds where in the area of an entry of the root some physical pages are
// mapped, by walking the tables below it: at most 512 * 512 of them, which only a
// damaged image has.
func (d *Dump) mapped(area uint64, pages []uint64) (at []uint64) {
	if len(pages) == 0 {
		return nil
	}
	root, err := d.physWord(d.header.DTB&d.mode.rootMask+8*(area>>39&0x1ff), 8)
	if err != nil {
		return nil
	}
	tables := 1 << 18
	var walk func(entry, va uint64, shift uint)
	walk = func(entry, va uint64, shift uint) {
		e := d.mode.decode(entry)
		if e.state != Valid || len(at) > maxKernels {
			return
		}
		size := uint64(1) << shift
		if large := entry&largeBit != 0 && shift > 12 && shift < 39; large || shift == 12 {
			base := e.pfn * pageBytes
			if large {
				base = d.mode.largeBase(entry, shift)
			}
			for _, p := range pages {
				if p-base < size {
					at = append(at, va+p-base)
				}
			}
			return
		}
		if tables--; tables < 0 {
			return
		}
		var table [pageBytes]byte
		n, _ := d.ReadPhysical(e.pfn*pageBytes, table[:])
		for i := 0; i+8 <= n; i += 8 {
			if v := Word(table[i:], 8); v&validBit != 0 {
				walk(v, va+uint64(i/8)<<(shift-9), shift-9)
			}
		}
	}
	walk(root, area, 39)
	return at
}
