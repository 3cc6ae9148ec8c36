package leak

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/seed-eedd8485/lpc/ntdump/pe"
)

// Place is where a module or a file holds the four bytes of a tag.
type Place struct {
	Module  string
	File    string // path of the file; "": the module in memory
	Kernel  bool
	Loaded  bool   // a module of its name is
	RVA     uint64 // of the first such place, from the image's base
	Offset  int64  // in the file; -1: in memory
	Section string // "" where it is not known
	Code    string // "push", "mov": the bytes are the operand of such an instruction; "": they are not
	Count   int    // places in all
}

const pageBytes = 4096

// maxImage bounds an image that is searched.
const maxImage = 1 << 30

// each calls hit for each place of a tag in b, in both forms in which code has it: as it
// is, and as a protected one.
func each(b []byte, tag [4]byte, hit func(at int)) {
	protected := tag
	protected[3] |= 0x80
	for _, t := range [][4]byte{tag, protected} {
		for at := 0; ; at++ {
			k := bytes.Index(b[at:], t[:])
			if k < 0 {
				break
			}
			at += k
			hit(at)
		}
	}
}

// places searches the modules' pages in memory for the tag.
func places(ctx context.Context, in *Input, r *Result) error {
	for _, m := range in.Modules {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		img, _ := pe.Loaded(in.Memory, m.Base) // without headers a place has no section
		p := Place{Module: m.Name, Kernel: m.Kernel, Loaded: true, Offset: -1}
		pages := search(in, m, func(rva uint64, before []byte) {
			section, code := where(img, rva, before)
			p.add(rva, -1, section, code)
		})
		if p.Count > 0 {
			r.Places = append(r.Places, p)
		}
		if pages == 0 {
			r.Unread = append(r.Unread, Unread{m.Name, "none of its pages is in memory"})
		}
	}
	return nil
}

// add notes a hit; the most telling one is kept: an operand before other bytes.
func (p *Place) add(rva uint64, off int64, section, code string) {
	if p.Count++; p.Count == 1 || p.Code == "" && code != "" {
		p.RVA, p.Offset, p.Section, p.Code = rva, off, section, code
	}
}

// before is how many bytes in front of a hit tell the instruction.
const before = 4

// search calls hit for each place of a module with the tag, with the bytes in front of
// it, and returns how many pages are in memory.
func search(in *Input, m Module, hit func(rva uint64, before []byte)) (pages int) {
	// A page behind the end of the one before it, so that what crosses is found.
	buf := make([]byte, before+3+pageBytes)
	kept := 0
	for off := uint64(0); off < min(m.Size, maxImage); off += pageBytes {
		page := buf[kept : kept+int(min(pageBytes, m.Size-off))]
		n, _ := in.Memory.ReadMemory(m.Base+off, page)
		if n == 0 {
			kept = 0
			continue
		}
		pages++
		all := buf[:kept+n]
		each(all, in.Tag, func(at int) {
			if at+4 > kept { // else it was found with the page before
				hit(off+uint64(at)-uint64(kept), all[max(0, at-before):at])
			}
		})
		if kept = 0; n == pageBytes {
			kept = copy(buf, all[len(all)-before-3:])
		}
	}
	return pages
}

// executable is IMAGE_SCN_MEM_EXECUTE.
const executable = 0x20000000

// where says in which section a place is and, if that is code, whether the four bytes
// are the operand of an instruction: push imm32, mov r32 imm32, mov [esp+n] imm32, mov
// [ebp+n] imm32 (Intel SDM volume 2).
func where(img *pe.Image, rva uint64, before []byte) (section, code string) {
	if img == nil || rva>>32 != 0 {
		return "", ""
	}
	s := img.SectionAt(uint32(rva))
	if s == nil {
		return "", ""
	}
	if n := len(before); s.Features&executable != 0 && n > 0 {
		switch last := before[n-1]; {
		case last == 0x68:
			code = "push"
		case last >= 0xb8 && last <= 0xbf, n == 4 && before[0] == 0xc7 && before[1] == 0x44 && before[2] == 0x24, n >= 3 && before[n-3] == 0xc7 && before[n-2] == 0x45:
			code = "mov"
		}
	}
	return s.Name, code
}

// sortPlaces puts drivers before the kernel, loaded ones before others, operands before
// other bytes, memory before files.
func sortPlaces(list []Place) {
	rank := func(p Place) int {
		n := 0
		if p.Kernel {
			n += 8
		}
		if !p.Loaded {
			n += 4
		}
		if p.Code == "" {
			n += 2
		}
		if p.File != "" {
			n++
		}
		return n
	}
	slices.SortStableFunc(list, func(a, b Place) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Module, b.Module), cmp.Compare(a.File, b.File))
	})
}
