package ndisasm

import "testing"

// One case or more for each rule: what it gets and what it makes of it. The
// text before a rule is what the rules above it leave.
var ruleCases = []struct{ rule, in, want string }{
	{"one space between mnemonic and operands", "mov     sp,7C00h", "mov sp,7C00h"},
	{"ptr is not written", "cmp byte ptr [bp],0", "cmp byte [bp],0"},
	{"ptr is not written", "jmp far ptr [bx]", "jmp far [bx]"},
	{"hex is 0x and lower case", "mov sp,7C00h", "mov sp,0x7c00"},
	{"hex is 0x and lower case", "cmp byte [bp+0Ah],5", "cmp byte [bp+0xa],0x5"},
	{"hex is 0x and lower case", "mov ah,42h", "mov ah,0x42"},
	{"hex is 0x and lower case", "lea eax,[ebx+ecx*4-10h]", "lea eax,[ebx+ecx*4-0x10]"},
	{"branch targets and far pointers are numbers", "jl 7c32", "jl 0x7c32"},
	{"branch targets and far pointers are numbers", "jmp 0000:061f", "jmp 0x0:0x61f"},
	{"branch targets and far pointers are numbers", "call 00007c32", "call 0x7c32"},
	{"branch targets and far pointers are numbers", "call bx", "call bx"},
	{"the segment stands within the brackets", "mov ax,word es:[bx]", "mov ax,word [es:bx]"},
	{"direct addresses are in ds unless it says otherwise", "mov al,byte [ds:0x7b7]", "mov al,byte [0x7b7]"},
	{"string instructions end in their unit, without operands", "rep movs byte [es:di],byte [si]", "rep movsb"},
	{"string instructions end in their unit, without operands", "lods word [cs:si]", "cs lodsw"},
	{"string instructions end in their unit, without operands", "xlat byte [bx]", "xlatb"},
	{"size and address prefixes are o32 and a32", "data32 nop", "nop"},
	{"negative immediates are cut to the operand size", "add sp,byte -0x10", "add sp,0xfff0"},
	{"negative immediates are cut to the operand size", "cmp dword [si],byte -0x1", "cmp dword [si],0xffffffff"},
	{"negative immediates are cut to the operand size", "o32 push byte -0x1", "o32 push 0xffffffff"},
	{"negative immediates are cut to the operand size", "mov al,[bp-0x1]", "mov al,[bp-0x1]"},
	{"size and address prefixes are left out: length and text show them", "o32 a32 nop", "nop"},
	{"names of conditions", "je 0x7c32", "jz 0x7c32"},
	{"names of conditions", "setae byte [bx]", "setnc byte [bx]"},
	{"names of conditions", "jmp 0x7c32", "jmp 0x7c32"},
	{"other names of instructions and sizes", "int 0x3", "int3"},
	{"other names of instructions and sizes", "fld tbyte [bx]", "fld tword [bx]"},
	{"other names of instructions and sizes", "repe cmpsb", "rep cmpsb"},
	{"a shift by one has the number as well", "shl ax,1", "shl ax,0x1"},
	{"loop counts in cx, or ecx with a32", "loop 0x7c00,ecx", "loop 0x7c00"},
	{"distances and the size of immediates are left out", "jmp short 0x7c10", "jmp 0x7c10"},
	{"distances and the size of immediates are left out", "jnz near 0x7d39", "jnz 0x7d39"},
	{"distances and the size of immediates are left out", "push word 0x61c", "push 0x61c"},
	{"distances and the size of immediates are left out", "mov ax,[dword eax+eax]", "mov ax,[eax+eax]"},
	{"no size where a register gives it or only one exists", "mov byte [bp],dl", "mov [bp],dl"},
	{"no size where a register gives it or only one exists", "shl byte [bx],cl", "shl byte [bx],cl"},
	{"no size where a register gives it or only one exists", "movzx eax,byte [si]", "movzx eax,byte [si]"},
	{"no size where a register gives it or only one exists", "inc byte [bp]", "inc byte [bp]"},
	{"no size where a register gives it or only one exists", "call word [bx]", "call [bx]"},
	{"no + before a number", "add sp,+0x10", "add sp,0x10"},
	{"no zero displacement", "cmp byte [bp+0x0],0x0", "cmp byte [bp],0x0"},
	{"registers of the coprocessor", "faddp st(1),st", "faddp st1"},
	{"registers of the coprocessor", "fadd st0,st1", "fadd st1"},
	{"xchg and test take their operands in either order", "xchg dl,[bx]", "xchg [bx],dl"},
	{"xchg and test take their operands in either order", "test bx,ax", "test ax,bx"},
}

func TestRules(t *testing.T) {
	if len(Rules) > 20 {
		t.Errorf("the normaliser has %d rules, at most 20 are allowed", len(Rules))
	}
	seen := map[string]bool{}
	for _, c := range ruleCases {
		found := false
		for _, r := range Rules {
			if r.Name == c.rule {
				found, seen[r.Name] = true, true
				if got := r.Apply(c.in); got != c.want {
					t.Errorf("rule %q: %q becomes %q, want %q", r.Name, c.in, got, c.want)
				}
			}
		}
		if !found {
			t.Errorf("a case names the rule %q, which does not exist", c.rule)
		}
	}
	for _, r := range Rules {
		if !seen[r.Name] {
			t.Errorf("rule %q has no case", r.Name)
		}
	}
}

// A wrong operand, size or mnemonic must survive the rules.
func TestNormaliseKeepsDifferences(t *testing.T) {
	for _, c := range [][2]string{
		{"mov     sp,7C00h", "mov sp,0x7c01"},
		{"mov     byte ptr [bp],1", "mov word [bp],0x1"},
		{"mov     word ptr [bx],ax", "mov [bx],al"},
		{"je      7c32", "jnz 0x7c32"},
		{"je      7c32", "jz 0x7c34"},
		{"movs    byte ptr es:[di],byte ptr [si]", "movsw"},
		{"lods    byte ptr es:[si]", "lodsb"},
		{"mov     ax,word ptr es:[bx]", "mov ax,[bx]"},
		{"add     sp,0FFF0h", "add sp,byte +0x10"},
		{"jmp     0000:7c00", "jmp 0x7c0:0x0"},
		{"movzx   eax,byte ptr [si]", "movzx eax,word [si]"},
		{"rep movs byte ptr es:[di],byte ptr [si]", "movsb"},
	} {
		if ours, theirs := Normalise(Ours, c[0]), Normalise(Theirs, c[1]); ours == theirs {
			t.Errorf("%q and %q both become %q", c[0], c[1], ours)
		}
	}
}
