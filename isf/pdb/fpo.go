package pdb

import (
	"cmp"
	"slices"
	"sort"

	"github.com/seed-eedd8485/lpc/bin"
	"github.com/seed-eedd8485/lpc/isf"
)

var _ isf.Frames = (*File)(nil)

// FPO implements isf.Frames. Frame data, which is more precise, goes before the older
// FPO data.
func (f *File) FPO(rva uint64) (isf.Frame, bool) {
	rva, ok := f.addr.source(rva)
	if !ok {
		return isf.Frame{}, false
	}
	for _, t := range []frameTable{f.frameData, f.fpo} {
		if frame, ok := t.find(rva); ok {
			return frame, true
		}
	}
	return isf.Frame{}, false
}

// frameTable is sorted by start. Frame data nests: a part of a function has its
// own, which reaches to the function's end.
type frameTable []frameEntry

type frameEntry struct {
	start uint32
	end   uint64 // the highest end of this entry and all before it
	frame isf.Frame
}

func (t frameTable) sort() frameTable {
	slices.SortStableFunc(t, func(a, b frameEntry) int {
		// Of two that start together the shorter one is the inner one.
		return cmp.Or(cmp.Compare(a.start, b.start), -cmp.Compare(a.frame.Size, b.frame.Size))
	})
	var end uint64
	for i := range t {
		end = max(end, uint64(t[i].start)+uint64(t[i].frame.Size))
		t[i].end = end
	}
	return t
}

// find returns the innermost entry that holds an address.
func (t frameTable) find(rva uint64) (isf.Frame, bool) {
	i := sort.Search(len(t), func(i int) bool { return uint64(t[i].start) > rva })
	for i--; i >= 0 && t[i].end > rva; i-- {
		if f := t[i].frame; rva-uint64(t[i].start) < uint64(f.Size) {
			f.Offset = uint32(rva - uint64(t[i].start))
			return f, true
		}
	}
	return isf.Frame{}, false
}

// readFPO reads FPO_DATA (winnt.h): 16 bytes each, the last two made of bits.
func readFPO(data []byte) (frameTable, error) {
	r := bin.FromBytes("FPO data", data)
	t := make(frameTable, r.Count("entries", uint64(len(data)/16), 16, r.Size()))
	for i := range t {
		t[i].start = r.U32("ulOffStart")
		f := &t[i].frame
		f.Size = r.U32("cbProcSize")
		f.Locals = 4 * r.U32("cdwLocals")
		f.Params = 4 * uint32(r.U16("cdwParams"))
		bits := r.U16("cbProlog and flags")
		f.Prolog = uint32(bits & 0xff)
		f.Registers = 4 * uint32(bits>>8&7)
		f.SEH = bits>>11&1 != 0
		f.UsesBP = bits>>12&1 != 0
		f.Kind = isf.FrameKind(bits >> 14)
		f.Start = true
	}
	return t.sort(), r.Err()
}

// readFrameData reads the entries that replaced FPO_DATA (LLVM, CodeView.h,
// FrameData): 32 bytes each.
func readFrameData(data []byte, names stringTable) (frameTable, error) {
	r := bin.FromBytes("frame data", data)
	if len(data)%32 == 4 {
		// As in object files: a relocation stands in front.
		r.Skip("relocation", 4)
	}
	t := make(frameTable, r.Count("entries", uint64(len(data)/32), 32, r.Size()))
	for i := range t {
		t[i].start = r.U32("start")
		f := &t[i].frame
		f.Kind = isf.FrameProgram
		f.Size, f.Locals, f.Params = r.U32("size of the code"), r.U32("size of locals"), r.U32("size of parameters")
		r.U32("greatest use of the stack")
		f.Program = names.at(r.U32("program"))
		f.Prolog, f.Registers = uint32(r.U16("size of the prolog")), uint32(r.U16("size of saved registers"))
		flags := r.U32("flags")
		f.SEH, f.Start = flags&1 != 0, flags&4 != 0
	}
	return t.sort(), r.Err()
}
