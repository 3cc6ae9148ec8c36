package stack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// memory is a test's address space: bytes by the page they stand on. A page that
// was not written is absent.
type memory map[uint64][]byte

func (m memory) put(va uint64, b ...byte) {
	for i, c := range b {
		at := va + uint64(i)
		p := m[at/0x1000]
		if p == nil {
			p = make([]byte, 0x1000)
			m[at/0x1000] = p
		}
		p[at%0x1000] = c
	}
}

func (m memory) u32(va uint64, v ...uint32) {
	for i, x := range v {
		m.put(va+4*uint64(i), binary.LittleEndian.AppendUint32(nil, x)...)
	}
}

func (m memory) u64(va uint64, v ...uint64) {
	for i, x := range v {
		m.put(va+8*uint64(i), binary.LittleEndian.AppendUint64(nil, x)...)
	}
}

func (m memory) ReadMemory(va uint64, dst []byte) (int, error) {
	for i := range dst {
		p := m[(va+uint64(i))/0x1000]
		if p == nil {
			return i, errors.New("absent")
		}
		dst[i] = p[(va+uint64(i))%0x1000]
	}
	return len(dst), nil
}

func text(w Walk) string {
	var b strings.Builder
	for _, f := range w.Frames {
		fmt.Fprintf(&b, "%x %x", f.Frame, f.Return)
		for _, a := range f.Args {
			fmt.Fprintf(&b, " %x", a)
		}
		fmt.Fprintf(&b, " at %x by %s", f.PC, f.Method)
		if f.Trap != 0 {
			fmt.Fprintf(&b, ", trap frame %x", f.Trap)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%s; %s", w.Method, w.End)
	return b.String()
}

func check(t *testing.T, w Walk, want string) {
	t.Helper()
	if got := text(w); got != strings.TrimSpace(strings.ReplaceAll(want, "\t", "")) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

var kernelX86 = []Image{{0x806ce000, 0x20300}, {0x804d7000, 0x1f8580}}

// article is the stack of the thread that the project's seed document shows, frame
// by frame.
func article() (memory, Input) {
	m := memory{}
	m.u32(0xf8e27c4c, 0, 0, 0x804dc6f2, 0xf8e27c98, 0, 0, 0, 0x8056a50a) // at KernelStack: list, irql, eip, ebp
	m.u32(0xf8e27c98, 0xf8e27d48, 0x8056a50a, 1, 0x10, 1)
	m.u32(0xf8e27d48, 0xf8e27d64, 0x804df06b, 0x7c4, 0x2bff70, 0)
	m.u32(0xf8e27d64+0x60, 0x002bff80)
	m.u32(0xf8e27d64+0x68, 0x7c90eb94, 0x1b, 0x246, 0x2bff60, 0x23)
	m.u32(0x002bff80, 0, 0, 0, 0, 0)
	pc, sp, fp, ok := SwitchedOut(m, 0xf8e27c4c)
	if !ok {
		panic("no stack")
	}
	return m, Input{Memory: m, Images: kernelX86, Limit: 0xf8e25000, Base: 0xf8e28000, PC: pc, SP: sp, FP: fp}
}

func TestX86Article(t *testing.T) {
	_, in := article()
	check(t, X86(in), `
		f8e27c98 8056a50a 1 10 1 at 804dc6f2 by context
		f8e27d48 804df06b 7c4 2bff70 0 at 8056a50a by frame pointer
		f8e27d48 7c90eb94 7c4 2bff70 0 at 804df06b by frame pointer, trap frame f8e27d64
		2bff80 0 0 0 0 at 7c90eb94 by trap frame
		frame pointers; a return address of 0, the start of the thread`)
	// Without the user's pages the walk ends where the kernel's part does.
	m, in := article()
	delete(m, 0x2bff80/0x1000)
	w := X86(in)
	if n := len(w.Frames); n != 4 || w.Frames[3].Return != 0 || w.End != "the user stack is not in the dump" {
		t.Errorf("%s", text(w))
	}
}

// A chain that points down, away, or at no return address is left, and a scan goes
// on, from which the chain may be taken up.
func TestX86BrokenChain(t *testing.T) {
	for _, c := range []struct {
		name string
		fp   uint32
		ret  uint32
	}{{"points down", 0xf8e27000, 0x8056a50a}, {"points away", 0x12345678, 0x8056a50a}, {"odd", 0xf8e27d49, 0x8056a50a}, {"no code", 0xf8e27d48, 0x1234}} {
		m, in := article()
		m.u32(0xf8e27c98, c.fp, c.ret)
		if c.name == "no code" {
			in.PC, in.FP = 0x804dc6f2, 0xf8e27c98
		} else {
			in.FP = uint64(c.fp)
		}
		m.u32(0xf8e27c4c+0x1c, 0) // no other word that looks like a return address
		m.u32(0xf8e27d20, 0xf8e27d48, 0x8056a111)
		m.put(0x8056a111-5, 0xe8, 1, 2, 3, 4)
		w := X86(in)
		got := text(w)
		if !strings.Contains(got, "f8e27d20 8056a111") || !strings.Contains(got, "at 8056a111 by scan\n") || !strings.Contains(got, "trap frame f8e27d64") || !strings.HasPrefix(w.Method, "frame pointers, then a checked scan") {
			t.Errorf("%s:\n%s", c.name, got)
		}
	}
}

// A trap within the kernel has no stack pointer of its own: the walk goes on in the
// interrupted function.
func TestX86KernelTrap(t *testing.T) {
	m := memory{}
	const base = 0xf8e28000
	m.u32(base-0x800, base-0x700, 0x804e1000, 1, 2, 3) // saved ebp names the trap frame
	m.u32(base-0x700+0x60, base-0x400)
	m.u32(base-0x700+0x68, 0x806ce123, 8, 0x10246)
	m.u32(base-0x400, 0, 0x80500000, 7, 8, 9)
	m.u32(0, 0)
	in := Input{Memory: m, Images: kernelX86, Limit: base - 0x3000, Base: base, PC: 0x804d7777, SP: base - 0x810, FP: base - 0x800}
	w := X86(in)
	want := `
		f8e27800 804e1000 1 2 3 at 804d7777 by context
		f8e27800 806ce123 1 2 3 at 804e1000 by frame pointer, trap frame f8e27900
		f8e27c00 80500000 7 8 9 at 806ce123 by trap frame`
	if got := text(w); !strings.HasPrefix(got, strings.TrimSpace(strings.ReplaceAll(want, "\t", ""))) {
		t.Errorf("got\n%s", got)
	}
	// Bytes that are no trap frame are none: flags with reserved bits, a foreign selector.
	for _, c := range [][2]uint32{{8, 0x10244}, {8, 0x400246}, {0x10, 0x246}, {0x1b, 0x246}} {
		m.u32(base-0x700+0x6c, c[0], c[1])
		if _, is := trapX86(&Input{Memory: m, Images: in.Images, Limit: in.Limit, Base: base}, base-0x700); is {
			t.Errorf("selector %#x, flags %#x count as a trap frame", c[0], c[1])
		}
	}
}

// Recursion to the end of the stack: as many frames as asked for, no more.
func TestX86Max(t *testing.T) {
	m := memory{}
	const limit, base = 0xf8e25000, 0xf8e28000
	for fp := uint64(limit); fp < base-0x10; fp += 0x10 {
		m.u32(fp, uint32(fp+0x10), 0x804d8000)
	}
	in := Input{Memory: m, Images: kernelX86, Limit: limit, Base: base, PC: 0x804d8010, SP: limit, FP: limit, Max: 100}
	w := X86(in)
	if len(w.Frames) != 100 || w.End != "the number of frames that was asked for" {
		t.Errorf("%d frames, %s", len(w.Frames), w.End)
	}
	in.Max = 1 << 20
	if w = X86(in); len(w.Frames) < 0x2f0 || len(w.Frames) > 0x301 {
		t.Errorf("%d frames", len(w.Frames))
	}
}

func TestIsCall(t *testing.T) {
	for _, c := range []struct {
		code string
		want bool
	}{
		{"90 90 90 e8 01 02 03 04", true},  // call rel32
		{"90 90 ff 15 01 02 03 04", true},  // call [disp32], call [rip+disp32]
		{"90 90 90 90 90 90 ff d0", true},  // call eax
		{"90 90 90 90 90 41 ff d3", true},  // call r11
		{"90 90 90 90 90 ff 50 08", true},  // call [eax+8]
		{"90 90 90 90 ff 54 24 10", true},  // call [esp+10h]
		{"90 ff 94 24 00 01 00 00", true},  // call [esp+100h]
		{"90 90 ff 90 00 01 00 00", true},  // call [eax+100h]
		{"90 90 90 90 90 ff 14 88", true},  // call [eax+ecx*4]
		{"90 ff 14 85 00 00 50 80", true},  // call [eax*4+disp32]
		{"90 9a 00 00 00 00 08 00", true},  // call far
		{"90 90 90 90 90 90 ff e0", false}, // jmp eax
		{"90 90 90 90 90 90 90 90", false},
		{"90 90 90 90 90 ff 14 25", false}, // cut within its displacement
		{"90 90 90 e9 01 02 03 04", false},
	} {
		var b []byte
		for _, f := range strings.Fields(c.code) {
			var v byte
			if _, err := fmt.Sscanf(f, "%x", &v); err != nil {
				t.Fatal(err)
			}
			b = append(b, v)
		}
		if got := isCall(b); got != c.want {
			t.Errorf("%s: %v, want %v", c.code, got, c.want)
		}
	}
}

const imageX64 = 0xfffff80001000000

// x64 makes an image with headers, a function table and three functions: one with
// pushes and an allocation, one with a frame pointer, one that takes a trap.
func x64(unwind ...[]byte) memory {
	m := memory{}
	m.put(imageX64, 'M', 'Z')
	m.u32(imageX64+0x3c, 0x80)
	m.put(imageX64+0x80, 'P', 'E', 0, 0)
	m.put(imageX64+0x94, 0xf0, 0) // bytes of the optional header
	m.put(imageX64+0x98, 0x0b, 0x02)
	m.u32(imageX64+0x98+0x6c, 16)
	m.u32(imageX64+0x98+0x70+24, 0x3000, uint32(12*len(unwind)))
	for i, u := range unwind {
		m.u32(imageX64+0x3000+12*uint64(i), 0x1000+0x100*uint32(i), 0x1100+0x100*uint32(i), 0x4000+0x40*uint32(i))
		m.put(imageX64+0x4000+0x40*uint64(i), u...)
	}
	return m
}

func TestX64Unwind(t *testing.T) {
	m := x64(
		// push rbx (1), push rdi (2), sub rsp,20h (6)
		[]byte{1, 6, 3, 0, 6, 3<<4 | allocSmall, 2, 7 << 4, 1, 3 << 4},
		// push rbp, sub rsp,1000h by a large allocation, lea rbp,[rsp+20h]; rbx saved at [rsp+30h]
		[]byte{1, 0x14, 6, 5 | 2<<4, 0x14, 3<<4 | saveNonvol, 6, 0, 0xf, setFPReg, 8, allocLarge, 0, 2, 1, 5 << 4},
		// a trap's entry: a machine frame with an error code
		[]byte{1, 0, 1, 0, 0, 1<<4 | pushMachframe},
	)
	const sp = 0xfffffadf90005000
	// Innermost: function 2, the trap's entry. It interrupted function 0 at +50h.
	m.u64(sp, 0xeeee, imageX64+0x1050, 0x10, 0x246, sp+0x100, 0x18)
	// Function 0 has 20h bytes, then rdi, rbx and the return into function 1 at +80h.
	m.u64(sp+0x100+0x20, 0xd1, 0xb1, imageX64+0x1180)
	// Function 1 has 1000h bytes; its frame pointer is rsp+20h, which is 0 here: rbp
	// comes from the registers of the start.
	f1 := uint64(sp + 0x138)
	m.u64(f1+0x30, 0xb2)
	m.u64(f1+0x1000, 0xb3, 0)
	regs := Registers{5: f1 + 0x20}
	in := Input{Memory: m, Images: []Image{{imageX64, 0x10000}}, Limit: sp - 0x1000, Base: sp + 0x5000, PC: imageX64 + 0x1210, SP: sp, Registers: &regs}
	check(t, X64(in), fmt.Sprintf(`
		%x fffff80001001050 0 0 0 0 at fffff80001001210 by context
		%x fffff80001001180 0 0 0 0 at fffff80001001050 by trap frame
		%x 0 0 0 0 0 at fffff80001001180 by unwind data
		unwind data; a return address of 0, the start of the thread`, uint64(sp), uint64(sp+0x100), f1))
}

// In the middle of a prologue only what was done is undone.
func TestX64Prologue(t *testing.T) {
	m := x64([]byte{1, 6, 3, 0, 6, 3<<4 | allocSmall, 2, 7 << 4, 1, 3 << 4})
	const sp = 0xfffffadf90005000
	for _, c := range []struct{ pc, words uint64 }{{0, 0}, {1, 1}, {2, 2}, {6, 6}, {0x50, 6}} {
		for i := range uint64(8) {
			m.u64(sp+8*i, 0x1111)
		}
		m.u64(sp+8*c.words, 0)
		w := X64(Input{Memory: m, Images: []Image{{imageX64, 0x10000}}, Limit: sp - 0x1000, Base: sp + 0x1000, PC: imageX64 + 0x1000 + c.pc, SP: sp})
		if len(w.Frames) != 1 || w.End != "a return address of 0, the start of the thread" {
			t.Errorf("at +%x:\n%s", c.pc, text(w))
		}
	}
}

// Behind a caller that a scan found, unwinding goes on; but not by a frame pointer,
// whose value the scan passed over.
func TestX64ScanThenUnwind(t *testing.T) {
	m := x64(
		[]byte{1, 6, 3, 0, 6, 3<<4 | allocSmall, 2, 7 << 4, 1, 3 << 4},
		[]byte{1, 4, 2, 5, 4, setFPReg, 1, 5 << 4}, // push rbp, mov rbp, rsp
	)
	for _, at := range []uint64{imageX64 + 0x1080, imageX64 + 0x1090, imageX64 + 0x1180} {
		m.put(at-5, 0xe8, 0, 0, 0, 0)
	}
	const sp = 0xfffffadf90005000
	m.u64(sp, 1, 2, imageX64+0x1080)              // into function 0: 20h bytes, rdi, rbx
	m.u64(sp+0x18+0x30, imageX64+0x1090)          // into function 0 again
	m.u64(sp+0x18+0x38+0x30, imageX64+0x1180)     // into function 1, which has rbp as frame pointer
	m.u64(sp+0x18+0x38+0x38+0x10, 0x77, 0x88, 99) // nothing that a scan would take
	in := Input{Memory: m, Images: []Image{{imageX64, 0x10000}}, Limit: sp, Base: sp + 0x1000, PC: 0x1234, SP: sp, Registers: &Registers{5: sp + 0x500}}
	check(t, X64(in), fmt.Sprintf(`
		%x fffff80001001080 0 0 0 0 at 1234 by context
		%x fffff80001001090 0 0 0 0 at fffff80001001080 by scan
		%x fffff80001001180 0 0 77 88 at fffff80001001090 by unwind data
		%x 0 at fffff80001001180 by unwind data
		unwind data, then a checked scan; no further return address on the stack`, uint64(sp), uint64(sp+0x18), uint64(sp+0x50), uint64(sp+0x88)))
}

// Without image pages the stack is scanned, and each frame says that its code could
// not be looked at; with code pages only what stands behind a call counts.
func TestX64Scan(t *testing.T) {
	m := memory{}
	const sp = 0xfffffadf90005000
	m.u64(sp, 1, imageX64+0x1234, 2, imageX64+0x10000, imageX64+0x2345, 3)
	in := Input{Memory: m, Images: []Image{{imageX64, 0x10000}}, Limit: sp, Base: sp + 0x30, PC: imageX64 + 0x1000, SP: sp}
	check(t, X64(in), `
		fffffadf90005000 fffff80001001234 2 fffff80001010000 fffff80001002345 3 at fffff80001001000 by context
		fffffadf90005010 fffff80001002345 3 0 0 0 at fffff80001001234 by scan, code not in the dump
		fffffadf90005028 0 at fffff80001002345 by scan, code not in the dump
		checked scan; no further return address on the stack`)
	m.put(imageX64+0x2345-5, 0xe8, 0, 0, 0, 0)
	m.put(imageX64+0x1234-5, 0xe9)
	w := X64(in)
	if len(w.Frames) != 2 || w.Frames[1].PC != imageX64+0x2345 || w.Frames[1].Method != Scanned {
		t.Errorf("%s", text(w))
	}
	// A stack of which a page is absent is scanned behind it.
	m.u64(sp+0x2000, imageX64+0x2345)
	in.Base = sp + 0x3000
	delete(m, (sp+0x1000)/0x1000)
	if w := X64(in); len(w.Frames) != 3 || w.Frames[2].Frame != sp+0x2008 {
		t.Errorf("%s", text(w))
	}
}

// FuzzX64 walks random stacks over random unwind data.
func FuzzX64(f *testing.F) {
	f.Add([]byte{1, 6, 3, 0, 6, 0x32, 2, 0x70, 1, 0x30}, []byte{0, 0, 0, 0, 0, 0x10, 0, 1}, uint64(imageX64+0x1050), uint64(0xfffffadf90005000))
	f.Add([]byte{0x21, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x11, 0, 0, 0, 0x40, 0, 0}, []byte{1}, uint64(imageX64+0x1000), uint64(0)) // chained to itself
	f.Fuzz(func(t *testing.T, unwind, stack []byte, pc, sp uint64) {
		m := x64(unwind[:min(len(unwind), 0x800)])
		const at = 0xfffffadf90005000
		m.put(at, stack...)
		m.put(at+0xfff, 0)
		in := Input{Memory: m, Images: []Image{{imageX64, 0x10000}}, Limit: at, Base: at + 0x1000, PC: pc, SP: sp}
		if w := X64(in); len(w.Frames) > defaultMax || w.End == "" || w.Method == "" {
			t.Fatalf("%d frames, %q", len(w.Frames), w.End)
		}
	})
}

// FuzzX86 walks random stacks.
func FuzzX86(f *testing.F) {
	m, in := article()
	f.Add(slices.Clone(m[0xf8e27][0xc00:]), uint32(in.PC), uint32(in.SP), uint32(in.FP))
	f.Fuzz(func(t *testing.T, stack []byte, pc, sp, fp uint32) {
		m := memory{}
		m.put(0xf8e27c00, stack[:min(len(stack), 0x400)]...)
		in := Input{Memory: m, Images: kernelX86, Limit: 0xf8e25000, Base: 0xf8e28000, PC: uint64(pc), SP: uint64(sp), FP: uint64(fp)}
		if w := X86(in); len(w.Frames) > 2*defaultMax || w.End == "" || w.Method == "" {
			t.Fatalf("%d frames, %q", len(w.Frames), w.End)
		}
	})
}
