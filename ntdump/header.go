package ntdump

import (
	"bytes"
	"fmt"
	"time"

	"github.com/seed-eedd8485/lpc/bin"
)

// Type is the kind of a dump, as its header numbers them (reference 3.3).
type Type uint32

// Kinds of dump.
const (
	Full         Type = 1
	Summary      Type = 2
	HeaderOnly   Type = 3
	Triage       Type = 4
	BitmapFull   Type = 5
	BitmapKernel Type = 6
	Automatic    Type = 7
	LiveKernel   Type = 8 // 8 to a: debuggers of 2022 and later
	LiveUser     Type = 9
	Complete     Type = 10
)

var typeNames = [...]string{
	Full: "full", Summary: "kernel (summary)", HeaderOnly: "header only", Triage: "small (triage)",
	BitmapFull: "full (bitmap)", BitmapKernel: "kernel (bitmap)", Automatic: "automatic",
	LiveKernel: "kernel memory (RDMP)", LiveUser: "kernel and user memory (RDMP)", Complete: "complete (RDMP)",
}

// String names the kind.
func (t Type) String() string {
	if t == MemoryImage {
		return "memory image"
	}
	if int64(t) < int64(len(typeNames)) && typeNames[t] != "" {
		return typeNames[t]
	}
	return fmt.Sprintf("type %#x", uint32(t))
}

// Known is a number that a dump may leave out.
type Known struct {
	Value uint64
	OK    bool // false: the dump does not say
}

// BugCheck is the stop code of the machine.
type BugCheck struct {
	Code   uint32
	Params [4]uint64
	OK     bool // false: the dump was not made by a bug check
}

// Header is what stands in a dump's header, of either width. Addresses are 0 where
// the header does not say. It does not change after it was read.
type Header struct {
	Bits      int     // 32 or 64: the width of the header and of pointers
	Type      Type    // 0 where an old writer left it out
	Machine   Machine // of the processors
	Major     uint32  // 0xf free build, 0xc checked build
	Build     uint32  // 2600, 3790, 19041
	DTB       uint64  // physical address of the kernel's page tables, with the flag bits as they stand
	PAE       Known   // 32 bits: 1 when page tables have entries of 8 bytes
	CPUs      uint32  // number of processors, 0 where unknown
	BugCheck  BugCheck
	Version   string // VersionUser, what the writer noted; mostly empty
	Comment   string
	Modules   uint64 // PsLoadedModuleList, virtual
	Processes uint64 // PsActiveProcessHead, virtual
	PfnData   uint64 // MmPfnDatabase's value, virtual
	Debugger  uint64 // KdDebuggerDataBlock, virtual
	Context   []byte // the CONTEXT record of the processor that wrote; registers.go reads it
	Exception Exception
	Time      time.Time     // of the dump, UTC; zero where unknown
	Uptime    time.Duration // since start; 0 where unknown
	Size      uint64        // RequiredDumpSpace, bytes; 0 where unknown
	Product   Known         // ProductType: 1 workstation, 2 domain controller, 3 server
	Suite     Known         // SuiteMask
	Status    Known         // WriterStatus: 0 when the writer finished
	Image     string        // Type MemoryImage: of which kind, in words; what else stands here was read from memory

	runs     []run
	runPages Known // NumberOfPages as the header says
}

// Sizes of the headers in bytes; what follows stands directly behind.
const (
	header32Bytes = 0x1000
	header64Bytes = 0x2000
)

// pageBytes is the size of a page on every machine that is read here.
const pageBytes = 0x1000

// filler stands in every unused field: "PAGE", repeated.
const (
	filler32 = 0x45474150
	filler64 = 0x4547415045474150
)

// fields reads header fields; each is unknown when it holds the filler.
type fields struct{ *bin.Reader }

func (f fields) u32(name string, off int64) Known {
	f.Seek(name, off)
	v := f.U32(name)
	return Known{uint64(v), f.Err() == nil && v != filler32}
}

func (f fields) u64(name string, off int64) Known {
	f.Seek(name, off)
	v := f.U64(name)
	return Known{v, f.Err() == nil && v != filler64}
}

// or0 is the value, or 0 where unknown, for fields of which 0 means the same.
func (k Known) or0() uint64 {
	if !k.OK {
		return 0
	}
	return k.Value
}

// text reads a char array that ends at its first NUL. Where the filler stands, it
// is empty.
func (f fields) text(name string, off, size int64) string {
	f.Seek(name, off)
	b := f.Bytes(name, size, size)
	if bytes.HasPrefix(b, []byte("PAGE")) {
		return ""
	}
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

// FileTime is a FILETIME, 100 ns since 1601, as a time in UTC; the zero time where it
// is 0 or beyond what Windows takes for one (bit 63).
func FileTime(v uint64) time.Time {
	if v == 0 || v>>63 != 0 {
		return time.Time{}
	}
	const secondsTo1970 = 11644473600
	return time.Unix(int64(v/1e7)-secondsTo1970, int64(v%1e7)*100).UTC()
}

// span turns a count of 100 ns into a duration, 0 where it is unknown or does not
// fit (292 years).
func span(k Known) time.Duration {
	if !k.OK || k.Value > (1<<63-1)/100 {
		return 0
	}
	return time.Duration(k.Value * 100)
}
