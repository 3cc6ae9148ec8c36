package stack

import (
	"fmt"
	"strings"
	"testing"
)

// articleFPO is the debug information of the functions on the stack that the
// project's seed document shows.
func articleFPO(pc uint64) (FPO, bool) {
	for _, f := range []struct {
		begin, end uint64
		fpo        FPO
	}{
		{0x804dbb00, 0x804dbb60, FPO{Registers: 0x10, UsesBP: true}}, // KiSwapContext
		{0x804dc660, 0x804dc6b0, FPO{}},                              // KiSwapThread
		{0x804dc6b0, 0x804dc800, FPO{Kind: FPONone}},                 // KeWaitForSingleObject
		{0x8056a12e, 0x8056b000, FPO{Kind: FPOProgram, Params: 0x14, Program: "$T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + ="}}, // NtReplyWaitReceivePortEx
		{0x804def73, 0x804df100, FPO{Kind: FPOTrap}}, // KiFastCallEntry
		{0x7c90eb94, 0x7c90eb98, FPO{}},              // KiFastSystemCallRet
	} {
		if pc >= f.begin && pc < f.end {
			return f.fpo, true
		}
	}
	return FPO{}, false
}

func articleWithFPO() (memory, Input) {
	m, _ := article()
	m.u32(0xf8e27c54, 0x804dbb2e, 0xf8e27c98, 0, 0, 0, 0x804dc6a6)
	m.u32(0xf8e27c6c, 0x810de318, 0x810de2a8, 0x804dc6f2, 0xe1084108, 0x8055a540, 0xe1084108)
	pc, sp, fp, ok := SwitchedOut(m, 0xf8e27c4c)
	if !ok {
		panic("no stack")
	}
	return m, Input{Memory: m, Images: kernelX86, Limit: 0xf8e25000, Base: 0xf8e28000, PC: pc, SP: sp, FP: fp, Saved: SwitchedBytes, FPO: articleFPO}
}

func remarks(w Walk) string {
	var b strings.Builder
	for _, f := range w.Frames {
		fmt.Fprintf(&b, "%08x %08x", f.Frame, f.Return)
		for _, a := range f.Args {
			fmt.Fprintf(&b, " %08x", a)
		}
		fmt.Fprintf(&b, " %x %s\n", f.PC, f.Remark(0))
	}
	return b.String()
}

// The document's walk, row by row: frame, return address, arguments, remark. The
// second row's description is that of another piece of the function, which pushed
// two words more than it says.
func TestFPO(t *testing.T) {
	_, in := articleWithFPO()
	w := X86(in)
	want := `f8e27c64 804dc6a6 810de318 810de2a8 804dc6f2 804dbb2e (FPO: [Uses EBP] [0,0,4])
f8e27c70 804dc6f2 e1084108 8055a540 e1084108 804dc6a6 (FPO: [0,0,0])
f8e27c98 8056a50a 00000001 00000010 00000001 804dc6f2 (FPO: [Non-Fpo])
f8e27d48 804df06b 000007c4 002bff70 00000000 8056a50a (FPO: [Non-Fpo])
f8e27d48 7c90eb94 000007c4 002bff70 00000000 804df06b (FPO: [0,0] TrapFrame @ f8e27d64)
002bff80 00000000 00000000 00000000 00000000 7c90eb94 (FPO: [0,0,0])
`
	if got := remarks(w); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if w.Method != "frame pointers and FPO data" || w.Frames[1].Method != FPOData || w.Frames[2].Method != FPOScanned {
		t.Errorf("%s", text(w))
	}
}

// Frames without a frame pointer one above the other, with parameters, locals and a
// saved ebp: found by sizes alone. What a program says of ebp is used.
func TestFPOChain(t *testing.T) {
	for name, program := range map[string]string{"fpo": "", "program": "$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + = $ebp $T0 8 - ^ ="} {
		m := memory{}
		const sp = 0xf8e27000
		// 804d8000: two locals, ebx and ebp pushed, two parameters; called from 804d9000,
		// which has one local and passed them; that returns to 804da000, with ebp.
		m.u32(sp, 1, 2, sp+0x40, 0xbbbb, 0x804d9010, 0x11, 0x22 /* passed */, 7 /* local */, 0x804da010, 0x33, 0x44)
		m.u32(sp+0x40, 0, 0)
		if program != "" {
			m.u32(sp+8, 0xbbbb, sp+0x40) // another order, which only the program tells
			program = strings.Replace(program, "8 -", "4 -", 1)
		}
		in := Input{Memory: m, Images: kernelX86, Limit: sp - 0x1000, Base: sp + 0x1000, PC: 0x804d8010, SP: sp, FP: 0x12345678, FPO: func(pc uint64) (FPO, bool) {
			switch pc &^ 0xfff {
			case 0x804d8000:
				f := FPO{Params: 8, Locals: 8, Registers: 8, UsesBP: true}
				if program != "" {
					f.Kind, f.UsesBP, f.Program = FPOProgram, false, program
				}
				return f, true
			case 0x804d9000:
				return FPO{Locals: 4}, true
			}
			return FPO{Kind: FPONone}, true
		}}
		want := `f8e2700c 804d9010 00000011 00000022 00000007 804d8010 (FPO: [Uses EBP] [2,2,2])
f8e2701c 804da010 00000033 00000044 00000000 804d9010 (FPO: [0,1,0])
f8e27040 00000000 00000000 00000000 00000000 804da010 (FPO: [Non-Fpo])
`
		if got := remarks(X86(in)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestRemark(t *testing.T) {
	for _, c := range []struct {
		f    Frame
		task uint64
		want string
	}{
		{Frame{}, 0x28, ""},
		{Frame{Trap: 0xf8e27d64}, 0, "(TrapFrame @ f8e27d64)"},
		{Frame{FPO: &FPO{Kind: FPOTask}}, 0x28, "(FPO: TaskGate 28:0)"},
		{Frame{FPO: &FPO{Kind: FPOTask}}, 0, "(FPO: [0,0,0])"},
		{Frame{FPO: &FPO{Params: 12, Locals: 8, Registers: 4}}, 0, "(FPO: [3,2,1])"},
		{Frame{FPO: &FPO{Kind: FPOTrap, Params: 4}, Trap: 0x1000}, 0, "(FPO: [1,0] TrapFrame @ 00001000)"},
		{Frame{FPO: &FPO{Kind: FPOProgram, Program: "$T0 $ebp = $eip"}}, 0, "(FPO: [Non-Fpo])"},
		{Frame{FPO: &FPO{Kind: FPOProgram, Program: "$ebp $T0 99999999999 - ^ ="}}, 0, "(FPO: [Uses EBP] [0,0,0])"},
	} {
		if got := c.f.Remark(c.task); got != c.want {
			t.Errorf("%+v: %q, want %q", c.f, got, c.want)
		}
	}
}

// FuzzFPO walks random stacks by random sizes.
func FuzzFPO(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4}, uint32(0xf8e27c00), uint32(16), uint32(8), uint32(4), uint8(0), "$ebp $T0 4 - ^ =")
	f.Add([]byte{}, uint32(0xf8e25000), uint32(0xffffffff), uint32(0xfffffffc), uint32(0xffffffff), uint8(4), "")
	f.Fuzz(func(t *testing.T, stack []byte, sp, locals, registers, params uint32, kind uint8, program string) {
		m := memory{}
		m.put(0xf8e27c00, stack[:min(len(stack), 0x400)]...)
		in := Input{Memory: m, Images: kernelX86, Limit: 0xf8e25000, Base: 0xf8e28000, PC: 0x804d8000, SP: uint64(sp), Saved: uint64(registers)}
		in.FPO = func(uint64) (FPO, bool) {
			return FPO{Kind: FPOKind(kind), Locals: locals, Registers: registers, Params: params, UsesBP: sp&1 == 0, Program: program}, true
		}
		w := X86(in)
		if len(w.Frames) > 2*defaultMax || w.End == "" {
			t.Fatalf("%d frames, %q", len(w.Frames), w.End)
		}
		for _, fr := range w.Frames {
			_ = fr.Remark(uint64(sp))
		}
	})
}
