package isf

// FrameKind says what a function's frame is (winnt.h, FRAME_FPO and following).
type FrameKind uint8

const (
	FrameFPO     FrameKind = iota // no frame pointer
	FrameTrap                     // a trap frame
	FrameTSS                      // a task's segment
	FrameNonFPO                   // EBP is the frame pointer
	FrameProgram                  // Frame.Program computes it
)

// Frame tells how the stack of an x86 function looks, so that a walker finds the
// caller without a frame pointer. Sizes are bytes.
type Frame struct {
	Kind      FrameKind
	Size      uint32 // of the code that this describes
	Offset    uint32 // of the address asked for, from that code's start
	Prolog    uint32 // code; before its end the registers are not all saved
	Locals    uint32
	Params    uint32 // what the caller pushed
	Registers uint32 // saved on the stack
	UsesBP    bool   // EBP is used as a common register and was saved
	SEH       bool   // has a structured exception handler
	Start     bool   // the code begins a function, not a part of one
	Program   string // how to find the caller's registers, in postfix notation; for FrameProgram
}

// Frames is implemented by a Types that knows stack frames: those that a PDB file
// gave are. The stack walker asks for no more.
type Frames interface {
	// FPO describes the frame of the code at an address, in bytes from the
	// image's base; ok is false where nothing is described.
	FPO(rva uint64) (f Frame, ok bool)
}

// FrameAt asks a description for a frame, if it knows any. t may be nil.
func FrameAt(t Types, rva uint64) (Frame, bool) {
	if f, ok := t.(Frames); ok {
		return f.FPO(rva)
	}
	return Frame{}, false
}
