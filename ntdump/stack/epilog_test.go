package stack

import (
	"fmt"
	"testing"
)

// Epilogues by their bytes, and what only looks like one. The function has 20h bytes,
// rdi and rbx on the stack; it reaches from 1000 to 1100.
func TestEpilogue(t *testing.T) {
	const sp = 0xfffffadf90005000
	unwind := []byte{1, 6, 3, 0, 6, 3<<4 | allocSmall, 2, 7 << 4, 1, 3 << 4}
	for _, c := range []struct {
		name  string
		code  []byte
		words uint64 // on the stack below the return address
		is    bool
	}{
		{"whole", []byte{0x48, 0x83, 0xc4, 0x20, 0x5f, 0x5b, 0xc3}, 6, true},
		{"whole, imm32", []byte{0x48, 0x81, 0xc4, 0x20, 0, 0, 0, 0x5f, 0x5b, 0xc3}, 6, true},
		{"behind the addition", []byte{0x5f, 0x5b, 0xc3}, 2, true},
		{"last pop", []byte{0x5b, 0xc3}, 1, true},
		{"ret", []byte{0xc3}, 0, true},
		{"ret n", []byte{0xc2, 8, 0}, 0, true},
		{"rep ret", []byte{0xf3, 0xc3}, 0, true},
		{"pop r12", []byte{0x41, 0x5c, 0xc3}, 1, true},
		{"jump out", []byte{0x5b, 0xe9, 0x00, 0x02, 0, 0}, 1, true},
		{"short jump out", []byte{0xeb, 0x80}, 0, true},
		{"indirect jump", []byte{0x48, 0xff, 0xe0}, 0, true},
		{"import", []byte{0xff, 0x25, 0, 0, 0, 0}, 0, true},
		{"lea", []byte{0x48, 0x8d, 0x65, 0x10, 0x5f, 0x5b, 0xc3}, 6, true},
		{"lea, disp32", []byte{0x48, 0x8d, 0xa5, 0x10, 0, 0, 0, 0x5f, 0x5b, 0xc3}, 6, true},
		{"jump within", []byte{0x5b, 0xeb, 0x10}, 6, false},
		{"no return", []byte{0x48, 0x83, 0xc4, 0x20, 0x90}, 6, false},
		{"lea of rax", []byte{0x48, 0x8d, 0x45, 0x10, 0xc3}, 6, false},
		{"pop of memory", []byte{0x8f, 0x00, 0xc3}, 6, false},
		{"cut", []byte{0x48, 0x83, 0xc4}, 6, false},
	} {
		m := x64(unwind)
		m.put(imageX64+0x1050, c.code...)
		for i := range uint64(16) {
			m.u64(sp+8*i, 0x1111)
		}
		m.u64(sp+8*c.words, 0)
		regs := Registers{5: sp + 0x10} // rbp, for lea
		w := X64(Input{Memory: m, Images: []Image{{imageX64, 0x10000}}, Limit: sp - 0x1000, Base: sp + 0x1000, PC: imageX64 + 0x1050, SP: sp, Registers: &regs})
		if len(w.Frames) != 1 || w.End != "a return address of 0, the start of the thread" {
			t.Errorf("%s:\n%s", c.name, text(w))
		}
		in := Input{Memory: m}
		s := unwindState{pc: imageX64 + 0x1050, known: 0xffff, reg: regs}
		s.reg[rsp] = sp
		if got := in.epilogue(&s, Image{imageX64, 0x10000}, function{0x1000, 0x1100, 0x4000}); got != c.is {
			t.Errorf("%s: is an epilogue: %v", c.name, got)
		}
	}
}

// FuzzEpilogue stops in random code.
func FuzzEpilogue(f *testing.F) {
	f.Add([]byte{0x48, 0x83, 0xc4, 0x20, 0x5f, 0x5b, 0xc3}, []byte{1, 2, 3}, uint16(0))
	f.Fuzz(func(t *testing.T, code, stack []byte, known uint16) {
		m := memory{}
		m.put(imageX64+0x1f00, code[:min(len(code), 0x100)]...) // up to a page that is absent
		m.put(0xfffffadf90005000, stack[:min(len(stack), 0x400)]...)
		in := Input{Memory: m}
		s := unwindState{pc: imageX64 + 0x1f00, known: known}
		s.reg[rsp] = 0xfffffadf90005000
		before := s
		if !in.epilogue(&s, Image{imageX64, 0x10000}, function{0x1f00, 0x1fff, 0x4000}) && s != before {
			t.Fatal("a state that was left is changed", fmt.Sprint(s))
		}
	})
}
