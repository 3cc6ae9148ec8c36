package stackcheck

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/stack"
)

// account walks the stack and adds up who used it.
func (r *Result) account(d *ntdump.Dump, regs *ntdump.Registers) {
	modules, err := d.Modules()
	if err != nil {
		r.say("the list of modules is not whole: %v", err)
	}
	in := stack.Input{Memory: d, Limit: r.Limit, Base: r.Base, PC: r.PC, SP: r.SP, FP: regs.FP(), Max: maxFrames}
	for _, m := range modules {
		in.Images = append(in.Images, stack.Image{Base: m.Base, Size: m.Size})
	}
	switch d.Header().Machine {
	case ntdump.X86:
		r.Walk = stack.X86(in)
	case ntdump.X64:
		in.Registers = stack.RegistersBy(regs.Get)
		r.Walk = stack.X64(in)
	case ntdump.ARM64:
		r.Walk = stack.ARM64(in)
	default:
		return // Itanium: no unwinding
	}
	r.add(modules)
}

// add sums the frames of the walk: a frame reaches from its own place to that of
// its caller.
func (r *Result) add(modules []ntdump.Module) {
	place := func(pc uint64) (string, string) {
		for i := range modules {
			if modules[i].Contains(pc) {
				name := cmp.Or(modules[i].Short(), fmt.Sprintf("%#x", modules[i].Base))
				return name, fmt.Sprintf("%s+%#x", name, pc-modules[i].Base)
			}
		}
		return "unknown", fmt.Sprintf("%#x", pc)
	}
	var frames []Use
	var pcs []uint64
	byModule := map[string]*Use{}
	for i := 0; i+1 < len(r.Walk.Frames); i++ {
		f, caller := r.Walk.Frames[i], r.Walk.Frames[i+1]
		if f.Frame >= r.Base || caller.Frame > r.Base || caller.Frame < f.Frame {
			break // the user's part
		}
		module, name := place(f.PC)
		u := Use{Name: name, Bytes: caller.Frame - f.Frame, Count: 1}
		frames, pcs = append(frames, u), append(pcs, f.PC)
		if byModule[module] == nil {
			byModule[module] = &Use{Name: module}
		}
		byModule[module].Bytes += u.Bytes
		byModule[module].Count++
	}
	for _, u := range byModule {
		r.Modules = append(r.Modules, *u)
	}
	most := func(a, b Use) int { return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Name, b.Name)) }
	slices.SortFunc(r.Modules, most)
	for _, u := range frames {
		if u.Bytes > largeFrame {
			r.Large = append(r.Large, u)
		}
	}
	r.Recursion = recursion(frames, pcs)
	r.Largest = slices.Clone(frames)
	slices.SortStableFunc(r.Largest, most)
	r.Largest = r.Largest[:min(topFrames, len(r.Largest))]
}

// Bounds of recursion that is looked for.
const (
	maxPeriod = 32
	minRounds = 3
)

// recursion finds the longest stretch of frames that repeats with a period, of which
// the shortest is taken.
func recursion(frames []Use, pcs []uint64) *Cycle {
	best, first, period := 0, 0, 0
	for p := 1; p <= maxPeriod; p++ {
		for i, n := 0, 0; i+p < len(pcs); i++ {
			if pcs[i] != pcs[i+p] {
				n = 0
				continue
			}
			if n++; n+p > best && (n+p)/p >= minRounds && (period == 0 || n+p > best+period) {
				best, first, period = n+p, i-n+1, p
			}
		}
	}
	if period == 0 {
		return nil
	}
	c := &Cycle{Rounds: best / period}
	for i := range c.Rounds * period {
		if i < period {
			c.Places = append(c.Places, frames[first+i].Name)
		}
		c.Bytes += frames[first+i].Bytes
	}
	return c
}
