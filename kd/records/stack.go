package records

import (
	"fmt"
	"path"
)

// A Frame is one place of a recorded Go stack.
type Frame struct {
	PC       uint64
	Function string
	File     string
	Line     uint32
}

// String is the place as Go's own traces name it.
func (f Frame) String() string { return fmt.Sprintf("%s (%s:%d)", f.Function, f.File, f.Line) }

// Short is the place for a sentence: the file without its directories.
func (f Frame) Short() string {
	return fmt.Sprintf("%s (%s:%d)", f.Function, path.Base(f.File), f.Line)
}

// maxFrames bounds a stack, whatever its record says.
const maxFrames = 64

// Stack is the Go stack of the call that a thread waits in, innermost first: empty
// where the process does not record them.
func (w *World) Stack(t *Thread) (frames []Frame) {
	if !t.Waits() {
		return nil
	}
	return w.StackAt(t.Stack)
}

// StackAt is the Go stack that a record holds, innermost first; empty where there is
// none.
func (w *World) StackAt(addr uint64) (frames []Frame) {
	if addr == 0 {
		return nil
	}
	s, err := w.Read(addr, "_LPC_STACK")
	if err != nil {
		return nil
	}
	for i := range min(s.U("Count"), maxFrames) {
		at := s.U(fmt.Sprintf("Frames[%d]", i))
		if at == 0 || !s.Has(fmt.Sprintf("Frames[%d]", i)) {
			break
		}
		f, known := w.frames[at]
		if !known {
			r, err := w.Read(at, "_LPC_FRAME")
			if err != nil {
				break
			}
			f.PC, f.Line = r.U("PC"), uint32(r.U("Line"))
			f.Function, _ = r.Text("Function")
			f.File, _ = r.Text("File")
			w.frames[at] = f
		}
		frames = append(frames, f)
	}
	return frames
}
