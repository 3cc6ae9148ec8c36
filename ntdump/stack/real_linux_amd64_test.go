package stack

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// high is added to addresses: the program ran in the lower half of the addresses, of
// which the walk takes none for the kernel's.
const high = 0xffff800000000000

// A recorded is a moment of the program: an instruction, the registers, the addresses
// that calls pushed, innermost last.
type recorded struct {
	pc, top uint64
	reg     Registers
	calls   []uint64
	stack   []byte
}

// runWindows compiles testdata/walk.c for Windows, carries it out an instruction at a
// time, and returns its image and what it went through, with up added to addresses:
// high, or 0.
func runWindows(t *testing.T, optimize string, up uint64) (image memory, m Image, moments []recorded) {
	t.Helper()
	clang, lld, gcc := needs.Tool(t, "clang", "clang"), needs.Tool(t, "lld-link", "lld"), needs.Tool(t, "gcc", "gcc")
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, args := range [][]string{
		{clang, "--target=x86_64-pc-windows-msvc", optimize, "-mno-stack-arg-probe", "-c", "testdata/walk.c", "-o", at("walk.obj")},
		{lld, "/dll", "/noentry", "/nodefaultlib", "/base:0x140000000", "/dynamicbase:no", "/out:" + at("walk.dll"), at("walk.obj")},
		{gcc, "-O1", "-o", at("run"), "testdata/run.c"},
		{at("run"), at("walk.dll"), at("out")},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	f, err := pe.Open(at("walk.dll"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head := f.OptionalHeader.(*pe.OptionalHeader64)
	m = Image{head.ImageBase + up, uint64(head.SizeOfImage)}
	image = memory{}
	whole, err := os.ReadFile(at("walk.dll"))
	if err != nil {
		t.Fatal(err)
	}
	image.put(m.Base, whole[:head.SizeOfHeaders]...)
	for _, s := range f.Sections {
		data, err := s.Data()
		if err != nil {
			t.Fatal(err)
		}
		image.put(m.Base+uint64(s.VirtualAddress), data...)
	}
	data, err := os.ReadFile(at("out"))
	if err != nil {
		t.Fatal(err)
	}
	next := func() uint64 {
		v := binary.LittleEndian.Uint64(data)
		data = data[8:]
		return v
	}
	for len(data) > 0 {
		r := recorded{pc: next() + up, top: next()}
		depth, size := next(), next()
		lift := func(v uint64) uint64 { // of what points into image and stack
			if v-head.ImageBase < m.Size || v <= r.top && r.top-v < 1<<20 {
				return v + up
			}
			return v
		}
		for i := range r.reg {
			r.reg[i] = lift(next())
		}
		for range depth {
			r.calls = append(r.calls, lift(next()))
		}
		r.stack = data[:size:size]
		for i := 0; i+8 <= len(r.stack); i += 8 {
			binary.LittleEndian.PutUint64(r.stack[i:], lift(binary.LittleEndian.Uint64(r.stack[i:])))
		}
		data = data[size:]
		r.top += up
		moments = append(moments, r)
	}
	return image, m, moments
}

// A moment's memory is the image and its stack.
type momentMemory struct {
	image memory
	at    uint64
	stack []byte
}

func (m momentMemory) ReadMemory(va uint64, dst []byte) (int, error) {
	if off := va - m.at; off < uint64(len(m.stack)) {
		if n := copy(dst, m.stack[off:]); n < len(dst) {
			return n, os.ErrNotExist
		}
		return len(dst), nil
	}
	return m.image.ReadMemory(va, dst)
}

// Unwinding by what a compiler makes, at every instruction that a program went
// through: in prologues, bodies and epilogues of each kind, in functions without
// unwind data, all callers are found, by unwinding alone.
func TestRealUnwind(t *testing.T) {
	for _, optimize := range []string{"-O0", "-O1", "-O2"} {
		image, m, moments := runWindows(t, optimize, high)
		if len(moments) < 500 {
			t.Errorf("%s: %d moments", optimize, len(moments))
		}
		wrong := 0
		for _, r := range moments {
			regs := r.reg
			in := Input{Memory: momentMemory{image, r.reg[rsp], r.stack}, Images: []Image{m}, Limit: r.reg[rsp], Base: r.top, PC: r.pc, SP: r.reg[rsp], Registers: &regs}
			w := X64(in)
			ok := len(w.Frames) == len(r.calls) && w.Method == "unwind data" && w.End == "the user part of the stack"
			for i := range w.Frames {
				ok = ok && w.Frames[i].Return == r.calls[len(r.calls)-1-i]
			}
			if !ok {
				if wrong++; wrong < 5 {
					t.Errorf("%s, at image+%x: the callers are %x, found\n%s", optimize, r.pc-m.Base, r.calls, text(w))
				}
			}
		}
		if wrong > 0 {
			t.Errorf("%s: %d of %d moments are wrong", optimize, wrong, len(moments))
		}
		t.Logf("%s: %d moments", optimize, len(moments))
	}
}

// The same through a dump: the image's pages and the stack stand in physical memory
// behind page tables.
func TestRealDump(t *testing.T) {
	image, m, moments := runWindows(t, "-O2", high)
	deepest := moments[0]
	for _, r := range moments {
		if len(r.calls) > len(deepest.calls) {
			deepest = r
		}
	}
	w := dumptest.New(dumptest.X64)
	w.AddModule(dumptest.Module{Name: "walk.dll", Base: m.Base, Size: m.Size})
	for page, b := range image {
		w.Put(page*0x1000, b)
	}
	w.Put(deepest.reg[rsp], deepest.stack)
	data := w.Dump(dumptest.BitmapKernel)
	d, err := ntdump.New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	got := X64(Input{Memory: d, Images: images(t, d), Limit: deepest.reg[rsp], Base: deepest.top, PC: deepest.pc, SP: deepest.reg[rsp], Registers: &deepest.reg})
	for i, f := range got.Frames {
		if f.Return != deepest.calls[len(deepest.calls)-1-i] {
			t.Errorf("the callers are %x, found\n%s", deepest.calls, text(got))
			break
		}
	}
	if got.Method != "unwind data" || len(got.Frames) != len(deepest.calls) || len(got.Frames) < 6 {
		t.Errorf("%s", text(got))
	}
}

// The same code as user code that was interrupted: from the trap's entry in the kernel
// the walk goes on through it by unwind data, at each of its moments.
func TestRealUserUnwind(t *testing.T) {
	image, m, moments := runWindows(t, "-O2", 0)
	const sp = 0xfffffadf90005000
	wrong := 0
	for _, r := range moments {
		k := x64([]byte{1, 0, 1, 0, 0, 1<<4 | pushMachframe})
		k.u64(sp, 0, r.pc, 0x33, 0x246, r.reg[rsp], 0x2b)
		for page, b := range image {
			k[page] = b
		}
		regs := r.reg
		in := Input{Memory: momentMemory{k, r.reg[rsp], r.stack}, Images: []Image{{imageX64, 0x10000}}, Limit: sp, Base: sp + 0x1000, PC: imageX64 + 0x1010, SP: sp,
			Registers: &regs, User: &User{Images: []Image{m}, Limit: r.reg[rsp], Base: r.top}}
		w := X64(in)
		ok := len(w.Frames) == len(r.calls)+2 && w.Method == "unwind data" && w.End == "no unwind data leads on in the user part of the stack"
		for i := 0; ok && i < len(r.calls); i++ {
			ok = w.Frames[i+1].Return == r.calls[len(r.calls)-1-i]
		}
		if !ok || w.Frames[0].Return != r.pc {
			if wrong++; wrong < 5 {
				t.Errorf("at image+%x: the callers are %x, found\n%s", r.pc-m.Base, r.calls, text(w))
			}
		}
	}
	if wrong > 0 || len(moments) < 500 {
		t.Errorf("%d of %d moments are wrong", wrong, len(moments))
	}
}
