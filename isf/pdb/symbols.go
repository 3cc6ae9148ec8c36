package pdb

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/isf"
)

// Kinds of symbol records (LLVM, CodeViewSymbols.def). ST as for types.
const (
	symPub32ST   = 0x1009
	symLdataST   = 0x1007
	symGdataST   = 0x1008
	symLprocST   = 0x100a
	symGprocST   = 0x100b
	symLdata     = 0x110c
	symGdata     = 0x110d
	symPub32     = 0x110e
	symLproc     = 0x110f
	symGproc     = 0x1110
	symLprocID   = 0x1146
	symGprocID   = 0x1147
	symLprocDPC  = 0x1155
	symLprocDPCI = 0x1156
)

// Function is a function whose extent is known.
type Function struct {
	Name   string
	RVA    uint64 // of its first byte, from the image's base
	Size   uint64 // bytes of code, as linked
	Type   uint32 // index of its type; IDs are resolved
	Global bool   // seen by other modules

	linked uint64 // RVA before an OMAP
}

// symbolTable collects the symbols of a file.
type symbolTable struct {
	addr      *addresses
	machine   uint16
	ids       *typeStream
	functions []Function
	publics   []place
	data      []place
	lost      int // symbols of code that was dropped after linking
}

// place is a name with its address as linked.
type place struct {
	name   string
	linked uint64
	final  uint64
}

// module reads the functions of one module's stream, of which the first size
// bytes are symbols.
func (s *symbolTable) module(data []byte, size uint32) error {
	if int64(size) > int64(len(data)) {
		return fmt.Errorf("a module's symbols have %d bytes, expected at most %d", size, len(data))
	}
	if size <= 4 { // a signature and nothing else
		return nil
	}
	return records("a module's symbols", data[4:size], func(kind uint16, body []byte) error {
		switch kind {
		case symGproc, symLproc, symGprocID, symLprocID, symGprocST, symLprocST, symLprocDPC, symLprocDPCI:
			return s.function(kind, body)
		}
		return nil
	})
}

func (s *symbolTable) function(kind uint16, body []byte) error {
	c := newCursor("function symbol", body)
	c.Skip("parent, end and next", 12)
	size := c.U32("size of the code")
	c.Skip("debug start and end", 8)
	f := Function{Size: uint64(size), Type: c.U32("type")}
	offset, section := c.U32("offset"), c.U16("section")
	c.U8("flags")
	f.Name = c.name(kind == symGprocST || kind == symLprocST)
	if err := c.err(); err != nil {
		return err
	}
	f.Global = kind == symGproc || kind == symGprocID || kind == symGprocST
	if kind == symGprocID || kind == symLprocID || kind == symLprocDPCI {
		f.Type = s.ids.functionType(f.Type)
	}
	p, ok := s.place(f.Name, section, offset)
	if !ok {
		return nil
	}
	f.linked, f.RVA = p.linked, p.final
	s.functions = append(s.functions, f)
	return nil
}

// global reads the stream of publics and global variables.
func (s *symbolTable) global(data []byte) error {
	return records("the symbol records", data, func(kind uint16, body []byte) error {
		list := &s.data
		switch kind {
		case symPub32, symPub32ST:
			list = &s.publics
		case symGdata, symLdata, symGdataST, symLdataST:
		default:
			return nil
		}
		c := newCursor("symbol", body)
		c.U32("flags or type")
		offset, section := c.U32("offset"), c.U16("section")
		name := c.name(kind < symLdata)
		if err := c.err(); err != nil {
			return err
		}
		if p, ok := s.place(name, section, offset); ok {
			*list = append(*list, p)
		}
		return nil
	})
}

// place finds the address; false for a constant, or for what is in the image no
// longer.
func (s *symbolTable) place(name string, section uint16, offset uint32) (place, bool) {
	linked, ok := s.addr.linked(section, offset)
	if !ok || name == "" {
		return place{}, false
	}
	final, ok := s.addr.final(linked)
	if !ok {
		s.lost++
		return place{}, false
	}
	return place{name, linked, final}, true
}

// list puts all symbols in the order in which isf.Types prefers them: functions
// with their extent, publics in the source's spelling, variables, and last the
// linker's spellings, which are looked up only. linked asks for addresses and
// extents as linked.
func (s *symbolTable) list(linked bool) []isf.Symbol {
	type seen struct {
		name string
		at   uint64
	}
	known := map[seen]bool{}
	var out []isf.Symbol
	add := func(name string, p place, size uint64) {
		at := p.final
		if linked {
			at = p.linked
		}
		if !known[seen{name, at}] {
			known[seen{name, at}] = true
			out = append(out, isf.Symbol{Name: name, RVA: at, Size: size})
		}
	}
	// After rearranging a function may be in pieces: its extent holds only for
	// addresses as linked.
	extents := linked || len(s.addr.from) == 0
	for _, f := range s.functions {
		size := f.Size
		if !extents {
			size = 0
		}
		add(f.Name, place{f.Name, f.linked, f.RVA}, size)
	}
	for _, p := range s.publics {
		add(undecorate(p.name, s.machine), p, 0)
	}
	for _, p := range s.data {
		add(p.name, p, 0)
	}
	for _, p := range s.publics {
		add(p.name, p, 0)
	}
	return out
}

// functionType follows an entry of the IPI stream to the function's type, 0 when
// it is none.
func (t *typeStream) functionType(id uint32) uint32 {
	r, ok := t.record(id)
	if !ok || r.leaf != lfFuncID && r.leaf != lfMfuncID {
		return 0
	}
	c := newCursor("function id", r.body)
	c.U32("scope")
	return c.U32("type")
}
