package kd

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
)

// u in both sizes: what is printed, and how long it is. Lengths and operands are
// from the instruction set reference (Intel SDM volume 2).
func TestDecode(t *testing.T) {
	for _, c := range []struct {
		mode int
		code string
		n    int
		want string
	}{
		{32, "33c0", 2, "xor     eax,eax"},
		{32, "8b4508", 3, "mov     eax,dword ptr [ebp+8]"},
		{32, "8b45f8", 3, "mov     eax,dword ptr [ebp-8]"},
		{32, "8b8000010000", 6, "mov     eax,dword ptr [eax+100h]"},
		{32, "b8abcdef00", 5, "mov     eax,0EFCDABh"},
		{32, "e8fbffffff", 5, "call    00001000"},
		{32, "ebfe", 2, "jmp     00001000"},
		{32, "0f84fa0f0000", 6, "je      00002000"},
		{32, "73fe", 2, "jae     00001000"},
		{32, "0f95c0", 3, "setne   al"},
		{32, "0f42c1", 3, "cmovb   eax,ecx"},
		{32, "e3fe", 2, "jecxz   00001000"},
		{32, "e2fe", 2, "loop    00001000"},
		{32, "e9fbefffff", 5, "jmp     00000000"},
		{32, "e9faefffff", 5, "jmp     ffffffff"},
		{32, "f3a4", 2, "rep movsb byte ptr [edi],byte ptr [esi]"},
		{32, "f0ff00", 3, "lock inc dword ptr [eax]"},
		{32, "c3", 1, "ret"},
		{32, "cd2e", 2, "int     2Eh"},
		{32, "c4c0", 0, ""},
		{32, "c5f877", 0, ""},
		{32, "c5", 2, ""}, // lds, cut off
		{32, "ffff", 1, "???"},
		{32, "b80100", 5, ""},
		{64, "4833c0", 3, "xor     rax,rax"},
		{64, "488b05f9ffffff", 7, "mov     rax,qword ptr [00000000`00001000]"},
		{64, "ebfe", 2, "jmp     00000000`00001000"},
		{64, "e9fbefffff", 5, "jmp     00000000`00000000"},
		{64, "e9faefffff", 5, "jmp     ffffffff`ffffffff"},
		{64, "0f05", 2, "syscall"},
		{64, "c5f877", 0, ""},
		{64, "c4e2", 0, ""},
		{64, "62f1", 0, ""},
		{64, "06", 1, "???"},
	} {
		code, err := hex.DecodeString(c.code)
		if err != nil {
			t.Fatal(err)
		}
		got, n := decode(code, 0x1000, c.mode)
		if got != c.want || n != c.n {
			t.Errorf("%d bits, %s: %q, %d bytes, want %q, %d", c.mode, c.code, got, n, c.want, c.n)
		}
	}
}

// Where u and ur end, and where they go on.
func TestCodeListings(t *testing.T) {
	h := &holes{wide: wide{size: 4}, base: 0x1000, memory: []byte{0x90, 0x33, 0xc0, 0xff, 0xff, 0xb8, 1, 0, 0xc5, 0xf8, 0x77}}
	top := &holes{wide: wide{size: 4}, base: 0xfffe, memory: []byte{0x90, 0x90, 0xb8, 1, 2}}
	for _, c := range []struct {
		h          *holes
		line, want string
	}{
		{h, "u 1000 L2", "00001000 90              nop\n00001001 33c0            xor     eax,eax\n"},
		{h, "u 1000 L1; u", "00001000 90              nop\n00001001 33c0            xor     eax,eax\n00001003 ff              ???\n00001004 ff              ???\n00001005 b80100c5f8      mov     eax,0F8C50001h\n! u: the listing ends at 0000100a behind 4 instructions: no memory at 0x100b: a hole"},
		{h, "u 1008", "! u: the listing ends at 00001008: an AVX instruction, whose length the decoder does not know"},
		{h, "ur 1000 1001; ur 100:3 L3", "00001000 90              nop\n00001001 33c0            xor     ax,ax\n0100:0003 ff              ???\n0100:0004 ff              ???\n0100:0005 b80100          mov     ax,1\n"},
		{h, "ur 100:5 L1; u", "0100:0005 b80100          mov     ax,1\n! u: the listing ends at 00001008: an AVX instruction, whose length the decoder does not know"},
		{top, "ur 0:fffe", "0000:fffe 90              nop\n0000:ffff 90              nop\n"}, // the segment's end
		{top, "ur 0:ffff L1; ur", "0000:ffff 90              nop\n! ur: the listing ends at 0000:0000: no memory at 0x0: a hole"},
		{top, "ur ffff L2", "0000ffff 90              nop\n00010000 b80102          mov     ax,201h\n"},
		{top, "ur fff:e L1", "0fff:000e 90              nop\n"},
	} {
		s := NewSession(c.h)
		var b strings.Builder
		got := ""
		if err := s.Run(context.Background(), &b, c.line); err != nil {
			got = "! " + err.Error()
		}
		got = b.String() + got
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.line, got, c.want)
		}
	}
}
