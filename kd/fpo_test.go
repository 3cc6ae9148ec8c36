package kd

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/isf"
	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
	"github.com/seed-eedd8485/lpc/target/ntdump"
)

// articleTypes are those of a build, and what debug information tells of the functions
// on the stack below.
type articleTypes struct{ isf.Types }

func (articleTypes) FPO(rva uint64) (isf.Frame, bool) {
	switch va := 0x804d7000 + rva; {
	case va>>8 == 0x804dbb:
		return isf.Frame{Kind: isf.FrameFPO, Registers: 0x10, UsesBP: true}, true
	case va < 0x804dc6b0:
		return isf.Frame{Kind: isf.FrameFPO}, true
	case va>>8 == 0x804df0:
		return isf.Frame{Kind: isf.FrameTrap}, true
	}
	return isf.Frame{Kind: isf.FrameNonFPO}, true
}

// The stack that the project's seed document shows, with the debug information of its
// functions, as kv prints it.
func TestFPO(t *testing.T) {
	m := dumptest.New(dumptest.XP)
	m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Base: 0x804d7000, Size: 0x1f8580})
	p, space := m.AddProcessSpace(dumptest.Process{ID: 0x1dc, Image: "rpclpcs.exe"})
	at := m.AddThread(p, dumptest.Thread{ID: 0x1f4, StackBase: 0xf8e28000, Kernel: 0xf8e27c4c, State: 5})
	for va, words := range map[uint64][]uint64{
		0xf8e27c54: {0x804dbb2e, 0xf8e27c98, 0, 0, 0, 0x804dc6a6, 0x810de318, 0x810de2a8, 0x804dc6f2, 0xe1084108, 0x8055a540, 0xe1084108},
		0xf8e27c98: {0xf8e27d48, 0x8056a50a, 1, 0x10, 1},
		0xf8e27d48: {0xf8e27d64, 0x804df06b, 0x7c4, 0x2bff70, 0},
	} {
		for i, w := range words {
			m.Ptr(va+4*uint64(i), w)
		}
	}
	m.Fill(0xf8e27d64, "_KTRAP_FRAME", dumptest.Registers{"Eip": 0x7c90eb94, "Ebp": 0x2bff80, "SegCs": 0x1b, "EFlags": 0x246})
	m.PutIn(space, 0x2bff80, make([]byte, 0x40))
	data := m.Dump(dumptest.Full)
	d, err := nt.New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	s := NewSession(ntdump.New(d))
	im := readImages(d)
	im.types = articleTypes{im.types}
	c, err := threadContext(d, at)
	if err != nil {
		t.Fatal(err)
	}
	cs, err := s.walk(d, im, c, normalFrames)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	s.printStack(&Out{w: &b}, im, cs, stackStyle{args: true, traps: true}, "")
	want := `ChildEBP RetAddr  Args to Child
f8e27c64 804dc6a6 810de318 810de2a8 804dc6f2 nt+0x4b2e (FPO: [Uses EBP] [0,0,4]) [context]
f8e27c70 804dc6f2 e1084108 8055a540 e1084108 nt+0x56a6 (FPO: [0,0,0]) [FPO data]
f8e27c98 8056a50a 00000001 00000010 00000001 nt+0x56f2 (FPO: [Non-Fpo]) [FPO data, then scan]
f8e27d48 804df06b 000007c4 002bff70 00000000 nt+0x9350a (FPO: [Non-Fpo]) [frame pointer]
f8e27d48 7c90eb94 000007c4 002bff70 00000000 nt+0x806b (FPO: [0,0] TrapFrame @ f8e27d64) [frame pointer]
002bff80 00000000 00000000 00000000 00000000 0x7c90eb94 [trap frame]
Found by frame pointers and FPO data; ended: a return address of 0, the start of the thread
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
