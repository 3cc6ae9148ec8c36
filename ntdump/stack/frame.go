package stack

import (
	"encoding/binary"
	"slices"
	"sort"
	"strings"

	"github.com/seed-eedd8485/lpc/ntdump/pe"
)

// Memory is the address space that is walked. ReadMemory fills dst from addr on and
// returns how many bytes are there; fewer than len(dst) come with an error.
type Memory interface {
	ReadMemory(addr uint64, dst []byte) (int, error)
}

// Method is how a frame was found.
type Method string

// Methods, best first.
const (
	Start        Method = "context"                    // where the walk began
	Unwound      Method = "unwind data"                // x64: what the compiler noted
	Leaf         Method = "leaf function"              // x64: a function without unwind data, at the top
	FramePointer Method = "frame pointer"              // x86: the chain of saved ebp
	Trap         Method = "trap frame"                 // behind an interrupt, exception or system call
	FPOData      Method = "FPO data"                   // x86: what the debug information tells of the callee's frame
	FPOScanned   Method = "FPO data, then scan"        // x86: the same, and a few words further up
	Scanned      Method = "scan"                       // a word of the stack behind a call instruction
	Unchecked    Method = "scan, code not in the dump" // a word that points into an image
)

// Frame is a function that is being executed.
type Frame struct {
	PC     uint64 // instruction in it
	Frame  uint64 // x86: ChildEBP; x64: Child-SP, the stack pointer in it; ARM64: its frame pointer
	Return uint64 // address that it returns to; 0 at the end of the walk
	Args   []uint64
	Trap   uint64 // address of the KTRAP_FRAME behind it, 0 for none
	Method Method
	FPO    *FPO // x86: debug information of the function; nil where there is none
}

// Image is a loaded module.
type Image struct {
	Base, Size uint64
}

// Input is what a walk starts from. FP is needed on x86 and ARM64 only.
type Input struct {
	Memory      Memory
	Images      []Image // in any order
	Limit, Base uint64  // bounds of the stack: Limit is the lowest address, Base the first one behind it
	PC, SP, FP  uint64
	Registers   *Registers // x64: what is known of the non-volatile registers; may be nil
	Max         int        // frames at most; 0: 256

	// FPO tells of the frame of the x86 function at an address; nil where there is no
	// debug information. It is called from the walk's goroutine.
	FPO func(pc uint64) (FPO, bool)
	// User is what the walk needs beyond the entry from user mode; nil: x64 ends there, and
	// x86 follows the frame pointers as far as there are some.
	User *User
	// Saved is how many bytes directly below SP hold registers that the function at PC
	// saved: what SwitchedOut passes over.
	Saved uint64

	arm64   bool                 // code is ARM64's
	headers map[uint64]*pe.Image // of images by their base, nil where not in memory; made by sorted
}

// User is the user part of a thread: the images of its process, and the bounds of its
// stack there, 0 where they are not known.
type User struct {
	Images      []Image
	Limit, Base uint64
}

// maxUserStack is how far above the stack pointer a walk looks where the bounds of a user
// stack are not known: what Windows reserves for one unless told.
const maxUserStack = 1 << 20

// userPart is the input for the user part of a walk, from a stack pointer on. Images of
// the kernel are none there, as those of the process are none on a kernel stack: what
// user code passed to the kernel lies there, and no return address is among it.
func (in Input) userPart(sp uint64) Input {
	u := in.User
	if u == nil {
		u = &User{}
	}
	in.Images, in.Limit, in.Base = u.Images, u.Limit, u.Base
	switch {
	case in.User == nil:
		in.Limit, in.Base = 0, 0
	case !in.on(sp, 1):
		in.Limit, in.Base = sp, sp+min(maxUserStack, ^sp)
	}
	return in.sorted()
}

// Walk is a call stack, the innermost frame first.
type Walk struct {
	Frames []Frame
	Method string // how it was found, in words: "frame pointers", "frame pointers, then a checked scan"
	End    string // why it ended, in words
}

const (
	defaultMax = 256
	maxMax     = 1 << 16
	maxStack   = 1 << 20 // bytes of a stack that are scanned at most
)

// usedFPO and usedScan note in the walk's method what it took to go on.
func (w *Walk) usedFPO() {
	if !strings.Contains(w.Method, "FPO data") {
		w.Method = strings.Replace(w.Method, "frame pointers", "frame pointers and FPO data", 1)
	}
}

func (w *Walk) usedScan() {
	if !strings.Contains(w.Method, "scan") {
		w.Method += ", then a checked scan"
	}
}

// end says why a walk ended. One that found every caller by a scan has no other
// method.
func (w *Walk) end(why string) Walk {
	w.End = why
	scanned := func(f Frame) bool { return f.Method == Start || f.Method == Scanned || f.Method == Unchecked }
	if strings.Contains(w.Method, "scan") && !slices.ContainsFunc(w.Frames, func(f Frame) bool { return !scanned(f) }) {
		w.Method = "checked scan"
	}
	return *w
}

func (in *Input) max() int {
	if in.Max <= 0 {
		return defaultMax
	}
	return min(in.Max, maxMax)
}

// on says whether n bytes at va lie on the stack.
func (in *Input) on(va, n uint64) bool {
	return va >= in.Limit && va < in.Base && in.Base-va >= n
}

// image returns the image that holds va.
func (in *Input) image(va uint64) (Image, bool) {
	i := sort.Search(len(in.Images), func(i int) bool { return in.Images[i].Base > va }) - 1
	if i >= 0 && va-in.Images[i].Base < in.Images[i].Size {
		return in.Images[i], true
	}
	return Image{}, false
}

// sorted returns the input with its images by base, as image needs them.
func (in Input) sorted() Input {
	in.headers = map[uint64]*pe.Image{}
	in.Images = slices.Clone(in.Images)
	slices.SortFunc(in.Images, func(a, b Image) int {
		if a.Base < b.Base {
			return -1
		}
		return 1
	})
	return in
}

// word reads a little-endian number of 4 or 8 bytes.
func (in *Input) word(va uint64, size int) (uint64, bool) {
	var b [8]byte
	if n, _ := in.Memory.ReadMemory(va, b[:size]); n < size {
		return 0, false
	}
	return binary.LittleEndian.Uint64(b[:]), true
}

// words reads up to n numbers; it stops at the first that is not there.
func (in *Input) words(va uint64, size, n int) []uint64 {
	var out []uint64
	for i := range n {
		v, ok := in.word(va+uint64(i*size), size)
		if !ok {
			break
		}
		out = append(out, v)
	}
	return out
}
