package stack

import (
	"fmt"
	"testing"
)

const imageARM64 = 0xfffff80300000000

func armInput(m memory, sp uint64) Input {
	return Input{Memory: m, Images: []Image{{imageARM64, 0x100000}}, Limit: sp - 0x1000, Base: sp + 0x3000, PC: imageARM64 + 0x1000, SP: sp, FP: sp}
}

// A chain of frame records, one return address signed by pointer authentication.
func TestARM64(t *testing.T) {
	m := memory{}
	const sp = 0xffffe00e0e4bc000
	m.u64(sp, sp+0x50, imageARM64+0x2000)
	m.u64(sp+0x50, sp+0x100, 0x2b8ff80300003000) // bit 55 is set: the kernel's half
	m.u64(sp+0x100, 0, 0)
	check(t, ARM64(armInput(m, sp)), `
		ffffe00e0e4bc000 fffff80300002000 at fffff80300001000 by context
		ffffe00e0e4bc050 fffff80300003000 at fffff80300002000 by frame pointer
		ffffe00e0e4bc100 0 at fffff80300003000 by frame pointer
		frame pointers; a return address of 0, the start of the thread`)
	m.u64(sp+0x100, 0, imageARM64+0x4000)
	if w := ARM64(armInput(m, sp)); w.End != "a frame pointer of 0, the start of the thread" || len(w.Frames) != 4 || w.Frames[3].PC != imageARM64+0x4000 {
		t.Errorf("%s", text(w))
	}
	m.u64(sp+0x100, 0x7fe000, 0x7ff612340000)
	w := ARM64(armInput(m, sp))
	if w.End != "the user part of the stack" || len(w.Frames) != 3 {
		t.Errorf("%s", text(w))
	}
}

// Where the chain breaks, a frame record further up takes it up again; without code
// nothing else counts, with code what stands behind a branch with link.
func TestARM64Scan(t *testing.T) {
	m := memory{}
	const sp = 0xffffe00e0e4bc000
	m.u64(sp, 0x12345678, imageARM64+0x2000) // points away: still a return address
	m.u64(sp+0x20, 7, imageARM64+0x2100)     // no frame record
	m.u64(sp+0x40, sp+0x80, imageARM64+0x2200)
	m.u64(sp+0x80, 0, 0)
	check(t, ARM64(armInput(m, sp)), `
		ffffe00e0e4bc000 fffff80300002000 at fffff80300001000 by context
		ffffe00e0e4bc040 fffff80300002200 at fffff80300002000 by frame pointer
		ffffe00e0e4bc080 0 at fffff80300002200 by scan, code not in the dump
		frame pointers, then a checked scan; a return address of 0, the start of the thread`)
	m.u32(imageARM64+0x20fc, 0xd63f0100) // blr x8
	m.u32(imageARM64+0x21fc, 0xd503201f) // nop
	m.u32(imageARM64+0x1ffc, 0x97fffc00) // bl
	check(t, ARM64(armInput(m, sp)), `
		ffffe00e0e4bc000 fffff80300002000 at fffff80300001000 by context
		ffffe00e0e4bc020 fffff80300002100 at fffff80300002000 by frame pointer
		ffffe00e0e4bc030 0 at fffff80300002100 by scan
		frame pointers, then a checked scan; no further return address on the stack`)
	in := armInput(m, sp)
	in.FP = sp + 1
	if w := ARM64(in); w.Method != "checked scan" || w.Frames[1].PC != imageARM64+0x2000 {
		t.Errorf("%s", text(w))
	}
}

func TestBranchLink(t *testing.T) {
	for _, c := range []struct {
		code uint32
		want bool
	}{
		{0x94000001, true}, {0x97ffffff, true}, {0xd63f0000, true}, {0xd63f03c0, true}, {0xd63f081f, true}, {0xd63f0d3f, true}, {0xd73f0909, true}, {0xd73f0d2a, true},
		{0x14000001, false}, {0xd61f0000, false}, {0xd65f03c0, false}, {0xd503201f, false}, {0, false},
	} {
		m := memory{}
		m.u32(0x1000, c.code)
		in := Input{Memory: m}
		if call, known := in.afterBranchLink(0x1004); call != c.want || !known {
			t.Errorf("%08x: %v, %v, want %v", c.code, call, known, c.want)
		}
	}
	in := Input{Memory: memory{}}
	if _, known := in.afterBranchLink(0x1004); known {
		t.Error("absent code is known")
	}
	if call, known := in.afterBranchLink(0x1002); call || !known {
		t.Error("an odd address is behind a call")
	}
}

func FuzzARM64(f *testing.F) {
	f.Add([]byte{0x10, 0, 0, 0, 0, 0, 0, 1}, uint64(imageARM64), uint64(0xffffe00e0e4bc000), uint64(0xffffe00e0e4bc000))
	f.Fuzz(func(t *testing.T, stack []byte, pc, sp, fp uint64) {
		m := memory{}
		const at = 0xffffe00e0e4bc000
		m.put(at, stack[:min(len(stack), 0x1000)]...)
		in := Input{Memory: m, Images: []Image{{imageARM64, 0x10000}}, Limit: at, Base: at + 0x1000, PC: pc, SP: sp, FP: fp}
		if w := ARM64(in); len(w.Frames) > defaultMax+1 || w.End == "" || w.Method == "" {
			t.Fatalf("%d frames, %q", len(w.Frames), w.End)
		}
	})
}

// A thread of x64 that is switched out: the place of the return address is taken only
// where a return address stands.
func TestSwitchedOutX64(t *testing.T) {
	m := memory{}
	const ks = 0xfffffadf90005000
	images := []Image{{imageX64, 0x10000}}
	m.u64(ks+0x30, 0xfffffadf90005200, imageX64+0x1234)
	pc, sp, fp, ok := SwitchedOutX64(m, images, ks)
	if !ok || pc != imageX64+0x1234 || sp != ks+0x40 || fp != 0xfffffadf90005200 {
		t.Error(fmt.Sprintf("%x %x %x", pc, sp, fp), ok)
	}
	m.put(imageX64+0x1234-5, 0x90, 0x90, 0x90, 0x90, 0x90)
	if _, _, _, ok := SwitchedOutX64(m, images, ks); ok {
		t.Error("no call stands before it")
	}
	m.u64(ks+0x38, 0x1234)
	if _, _, _, ok := SwitchedOutX64(m, images, ks); ok {
		t.Error("it lies in no image")
	}
	if _, _, _, ok := SwitchedOutX64(m, images, 0xfffffadf90007ff0); ok {
		t.Error("the stack is absent")
	}
}

// What is no return address though it points into an image: the image's base and
// headers, data, and on x86 what code kept in ebp, at a place that a frame pointer
// points to.
func TestNoReturnAddress(t *testing.T) {
	m := memory{}
	const sp = 0xf8e27000
	m.u32(sp, 0x804d7000, 0x804d7100, sp+0x20, 0x804d8123)
	m.u32(sp+0x20, 0x80550000, 0x804d9000, 0, 0) // the frame that sp+8 points to: its saved ebp is an address of data
	m.u32(sp+0x40, 0)
	in := Input{Memory: m, Images: kernelX86, Limit: sp - 0x1000, Base: sp + 0x1000, PC: 0x804d7fff, SP: sp}
	w := X86(in)
	// The word behind the one that heads a frame comes first; then the frame itself.
	if len(w.Frames) < 3 || w.Frames[0].Return != 0x804d8123 || w.Frames[1].Return != 0x804d9000 || w.Frames[1].Frame != sp+0x20 {
		t.Errorf("%s", text(w))
	}
	in.SP = sp + 0x10
	m.u32(sp+0x10, sp+0x20, 0, 0, 0)
	if w := X86(in); w.Frames[0].Return != 0x804d9000 {
		t.Errorf("a saved frame pointer counts as a return address:\n%s", text(w))
	}
	// With the headers in memory only sections that may be executed count.
	m = x64()
	m.u32(imageX64+0x84, 0x20000|0x8664) // machine and two sections
	m.u32(imageX64+0x98+0xf0+8, 0x1000, 0x1000)
	m.u32(imageX64+0x98+0xf0+0x24, 0x60000020)
	m.u32(imageX64+0x98+0xf0+0x28+8, 0x1000, 0x2000)
	m.u32(imageX64+0x98+0xf0+0x28+0x24, 0x40000040)
	in = Input{Memory: m, Images: []Image{{imageX64, 0x10000}}}.sorted()
	for va, want := range map[uint64]bool{0: false, 0x100: false, 0x1000: false, 0x1001: true, 0x2000: true, 0x2001: false, 0x5000: false} {
		if got := in.executable(in.Images[0], imageX64+va); got != want {
			t.Errorf("image+%x is code: %v, want %v", va, got, want)
		}
	}
}
