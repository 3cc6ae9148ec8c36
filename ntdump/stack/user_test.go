package stack

import (
	"strings"
	"testing"
)

var userX86 = []Image{{0x7c900000, 0xb0000}, {0x400000, 0x9000}}

// userArticle is the article's stack, of which the user part goes on: the call of the
// system stands behind the return address that its stub's caller pushed, and two
// functions above it.
func userArticle() (memory, Input) {
	m, in := articleWithFPO()
	m.u32(0xf8e27d64+0x74, 0x2bff40) // HardwareEsp
	m.put(0x7c90e300-2, 0xff, 0x12)  // call [edx]
	m.put(0x401100-5, 0xe8, 1, 2, 3, 4)
	m.u32(0x2bff40, 0x7c90e300, 0x401100, 0x7c4, 0x2bff70, 0) // into the stub; what it returns to and its arguments
	m.u32(0x2bff80, 0x2bffa0, 0x401234, 1, 2, 3)
	m.u32(0x2bffa0, 0, 0, 4, 5, 6)
	inner := in.FPO
	in.FPO = func(pc uint64) (FPO, bool) {
		switch {
		case pc >= 0x7c90e2f4 && pc < 0x7c90e310: // the stub: 14h bytes of parameters
			return FPO{Params: 0x14}, true
		case pc >= 0x401000 && pc < 0x402000:
			return FPO{Kind: FPONone}, true
		}
		return inner(pc)
	}
	in.User = &User{Images: userX86, Limit: 0x2be000, Base: 0x2c0000}
	return m, in
}

// The user part of a 32-bit stack is walked by the stack pointer that the processor
// pushed, debug information and frame pointers, within the bounds of the user stack.
func TestX86User(t *testing.T) {
	_, in := userArticle()
	w := X86(in)
	want := `
2bff3c 7c90e300 401100 7c4 2bff70 at 7c90eb94 by trap frame
2bff40 401100 7c4 2bff70 0 at 7c90e300 by FPO data
2bff80 401234 1 2 3 at 401100 by FPO data
2bffa0 0 4 5 6 at 401234 by frame pointer
frame pointers and FPO data; a return address of 0, the start of the thread`
	if got := text(w); !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// Without bounds, a megabyte from the stack pointer on is looked at.
	in.User.Limit, in.User.Base = 0, 0
	if got := text(X86(in)); !strings.HasSuffix(got, want) {
		t.Errorf("without bounds, got\n%s\nwant\n%s", got, want)
	}
	// A frame pointer that leaves the stack ends the walk.
	in.User.Limit, in.User.Base = 0x2be000, 0x2bff90
	if w := X86(in); w.End != "the chain of frame pointers ends" || w.Frames[len(w.Frames)-1].PC != 0x401234 {
		t.Errorf("%s", text(w))
	}
	// A page that is paged out is said to be absent.
	m, in := userArticle()
	delete(m, 0x2bff80/0x1000)
	if w := X86(in); w.End != "the user stack is not in the dump" || w.Frames[len(w.Frames)-1].PC != 0x7c90eb94 {
		t.Errorf("%s", text(w))
	}
}

// A walk may begin in user code.
func TestX86UserStart(t *testing.T) {
	_, in := userArticle()
	in.PC, in.SP, in.FP, in.Limit, in.Base, in.Saved = 0x7c90eb94, 0x2bff40, 0x2bff80, 0, 0, 0
	check(t, X86(in), `
		2bff3c 7c90e300 401100 7c4 2bff70 at 7c90eb94 by context
		2bff40 401100 7c4 2bff70 0 at 7c90e300 by FPO data
		2bff80 401234 1 2 3 at 401100 by FPO data
		2bffa0 0 4 5 6 at 401234 by frame pointer
		frame pointers and FPO data; a return address of 0, the start of the thread`)
}

// Words of a kernel stack that point into a process's images are no return addresses:
// a scan passes them over.
func TestX86ScanIgnoresUser(t *testing.T) {
	m, in := userArticle()
	m.put(0x8056a50a-5, 0xe8, 1, 2, 3, 4)
	in.FPO, in.FP = nil, 0
	for at := uint64(0xf8e27c6c); at < 0xf8e27c98; at += 4 {
		m.u32(at, 0x401100) // behind a call, in an image of the process
	}
	for _, f := range X86(in).Frames {
		if f.PC == 0x401100 && f.Frame > 0xf8000000 {
			t.Errorf("%x was taken for a return address on the kernel's stack", f.PC)
		}
	}
}

// userX64 is a machine whose kernel was entered from user code: a system call's stub,
// which has no unwind data, called by a function that has some. Both images are alike,
// but for where they stand.
func userX64() (memory, Input) {
	const base, sp, usp = 0x77ec0000, 0xfffffadf90005000, 0x12fe00
	m := x64([]byte{1, 0, 1, 0, 0, pushMachframe}) // the entry: a machine frame without an error code
	u := x64(nil, []byte{1, 4, 1, 0, 4, 4<<4 | allocSmall})
	u.u32(imageX64+0x3000, 0x1080, 0x1081, 0x4000) // a function behind the stub, which has none
	for page, b := range u {
		m[page-imageX64/0x1000+base/0x1000] = b
	}
	m.u64(sp, base+0x100a, 0x33, 0x246, usp, 0x2b)
	m.u64(usp, base+0x1150)         // the stub returns into the function, which has 28h bytes
	m.u64(usp+8+0x28, base+0x11f0)  // and was called by itself
	m.u64(usp+0x38+0x28, 0x6660000) // whose caller is in no image
	in := Input{Memory: m, Images: []Image{{imageX64, 0x10000}}, Limit: sp - 0x1000, Base: sp + 0x1000, PC: imageX64 + 0x1050, SP: sp,
		User: &User{Images: []Image{{base, 0x10000}}, Limit: 0x120000, Base: 0x130000}}
	return m, in
}

// The user part of a 64-bit stack is unwound through the process's images.
func TestX64User(t *testing.T) {
	_, in := userX64()
	check(t, X64(in), `
		fffffadf90005000 77ec100a 77ec1150 0 0 0 at fffff80001001050 by context
		12fe00 77ec1150 0 0 0 0 at 77ec100a by trap frame
		12fe08 77ec11f0 0 0 0 0 at 77ec1150 by leaf function
		12fe38 6660000 0 0 0 0 at 77ec11f0 by unwind data
		12fe68 0 at 6660000 by unwind data
		unwind data; no unwind data leads on in the user part of the stack`)
	// Without the image's pages the user's place is shown, and no more: no scan.
	m, in := userX64()
	delete(m, 0x77ec0000/0x1000)
	check(t, X64(in), `
		fffffadf90005000 77ec100a 77ec1150 0 0 0 at fffff80001001050 by context
		12fe00 0 at 77ec100a by trap frame
		unwind data; no unwind data leads on in the user part of the stack`)
	// Who says nothing of the user part gets none.
	_, in = userX64()
	in.User = nil
	if w := X64(in); len(w.Frames) != 1 || w.End != "the user part of the stack" {
		t.Errorf("%s", text(w))
	}
	// A return into the kernel is none of user code's.
	m, in = userX64()
	m.u64(0x12fe08+0x28, imageX64+0x1050)
	if w := X64(in); len(w.Frames) != 3 || w.Frames[2].PC != 0x77ec1150 || w.Frames[2].Return != 0 {
		t.Errorf("%s", text(w))
	}
	// A walk may begin there.
	_, in = userX64()
	in.PC, in.SP, in.Limit, in.Base = 0x77ec100a, 0x12fe00, 0, 0
	if w := X64(in); len(w.Frames) != 4 || w.Frames[0].Method != Start || w.Frames[3].PC != 0x6660000 {
		t.Errorf("%s", text(w))
	}
}

// FuzzUser walks random user stacks of both machines.
func FuzzUser(f *testing.F) {
	m, _ := userArticle()
	f.Add(m[0x2bf][0xf40:], uint64(0x2bff40), uint64(0x2bff80), uint64(0), uint64(0))
	m, _ = userX64()
	f.Add(m[0x12f][0xe00:], uint64(0x12fe00), uint64(0), uint64(0x120000), uint64(0x130000))
	f.Fuzz(func(t *testing.T, words []byte, sp, fp, limit, base uint64) {
		m, in := userArticle()
		m.put(0x2bff40, words[:min(len(words), 0xc0)]...)
		m.u32(0xf8e27d64+0x74, uint32(sp))
		m.u32(0xf8e27d64+0x60, uint32(fp))
		in.User.Limit, in.User.Base = limit, base
		if w := X86(in); len(w.Frames) > 2*defaultMax || w.End == "" {
			t.Fatalf("%d frames, %q", len(w.Frames), w.End)
		}
		m, in = userX64()
		m.put(0x12fe00, words[:min(len(words), 0x200)]...)
		m.u64(0xfffffadf90005018, sp)
		in.User.Limit, in.User.Base = limit, base
		if w := X64(in); len(w.Frames) > defaultMax || w.End == "" {
			t.Fatalf("%d frames, %q", len(w.Frames), w.End)
		}
	})
}
