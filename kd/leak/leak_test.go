package leak

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
	"github.com/seed-eedd8485/lpc/target"
)

// memory is pieces by address.
type memory map[uint64][]byte

func (m memory) ReadMemory(addr uint64, dst []byte) (int, error) {
	for at, b := range m {
		if addr >= at && addr < at+uint64(len(b)) {
			if n := copy(dst, b[addr-at:]); n < len(dst) {
				return n, &target.Absent{Addr: addr + uint64(n), Why: "not there"}
			}
			return len(dst), nil
		}
	}
	return 0, &target.Absent{Addr: addr, Why: "not there"}
}

const (
	blocksAt = 0x10000
	driverAt = 0x80001000
	kernelAt = 0x80100000
)

// blocks are n blocks of 0x80 bytes with that content.
func blocks(m memory, n int, content []byte) []target.Block {
	var list []target.Block
	all := make([]byte, n*0x80)
	for i := range n {
		at := uint64(blocksAt + i*0x80)
		copy(all[i*0x80+8:], content)
		list = append(list, target.Block{Addr: at, Body: at + 8, Size: 0x80, Tag: [4]byte([]byte("None")), Allocated: true})
	}
	m[blocksAt] = all
	return list
}

func input(m memory, list []target.Block) Input {
	return Input{Tag: [4]byte([]byte("None")), Memory: m, Pointer: 4, Blocks: slices.Values(list),
		Modules: []Module{{"ntoskrnl.exe", kernelAt, 0x10000, true}, {"driver.sys", driverAt, 0x4000, false}}}
}

func look(t *testing.T, in Input) *Result {
	t.Helper()
	r, err := Look(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Sizes, charges and the sample: of all blocks that are allocated, and no others.
func TestCount(t *testing.T) {
	m := memory{}
	list := blocks(m, 2000, nil)
	for i := range list {
		list[i].Size = uint64(0x40 + i%3*0x20)
		list[i].Quota, list[i].Owner = i%10 == 0, uint64(1+i%4)
		list[i].Paged = i%2 == 0
	}
	free, broken := list[0], target.Block{Err: errors.New("page 7 is gone")}
	free.Allocated = false
	r := look(t, input(m, append(list, free, broken)))
	b := r.Blocks
	if b.Count != 2000 || b.Paged != 1000 || len(b.Sizes) != 3 || b.Sizes[0] != (Size{0x80, 666}) || !slices.Equal(b.Errors, []string{"page 7 is gone"}) || b.Lowest != blocksAt || b.Highest != blocksAt+1999*0x80 {
		t.Errorf("%+v", b)
	}
	if len(b.Billed) != 2 || b.Billed[0].Process != 1 || b.Billed[0].Count != 100 {
		t.Errorf("charged: %+v", b.Billed)
	}
	if r.Content.Sampled != maxSample || !slices.IsSortedFunc(b.sample, func(x, y target.Block) int { return int(x.Addr) - int(y.Addr) }) {
		t.Errorf("a sample of %d", r.Content.Sampled)
	}
	late := 0
	for _, x := range b.sample {
		if x.Addr >= blocksAt+1000*0x80 {
			late++
		}
	}
	if late < maxSample/4 || late > maxSample*3/4 {
		t.Errorf("%d of %d sampled blocks are of the second half", late, maxSample)
	}
}

// What the start of blocks holds: pointers by module and place, text of both widths.
func TestContent(t *testing.T) {
	content := make([]byte, 0x40)
	binary.LittleEndian.PutUint32(content, 0x12345678)
	binary.LittleEndian.PutUint32(content[8:], driverAt+0x123)
	binary.LittleEndian.PutUint32(content[12:], kernelAt+0x456)
	binary.LittleEndian.PutUint32(content[16:], driverAt+0x4000) // behind its end
	copy(content[0x14:], "ascii text")
	copy(content[0x20:], "w\x00i\x00d\x00e\x00-\x00x\x00")
	copy(content[0x3c:], "cut!") // too short
	m := memory{}
	c := look(t, input(m, blocks(m, 100, content))).Content
	want := []Pointer{
		{Module: "driver.sys", Blocks: 100, Offset: 8, At: 100, Target: driverAt + 0x123, Same: 100},
		{Module: "ntoskrnl.exe", Kernel: true, Blocks: 100, Offset: 12, At: 100, Target: kernelAt + 0x456, Same: 100},
	}
	if c.Readable != 100 || !slices.Equal(c.Pointers, want) {
		t.Errorf("%d, %+v", c.Readable, c.Pointers)
	}
	if !slices.Equal(c.Texts, []Text{{"ascii text", 100}, {"wide-x", 100}}) {
		t.Errorf("%+v", c.Texts)
	}
	if len(c.Heads) != 1 || c.Heads[0].Blocks != 100 || !bytes.HasPrefix(c.Heads[0].Bytes[:], content[:4]) {
		t.Errorf("%+v", c.Heads)
	}
}

// image puts a loaded image into memory and returns its size.
func image(m memory, at uint64, img dumptest.Image) uint64 {
	machine := dumptest.New(dumptest.XP)
	machine.AddImage(img, at, map[string]uint64{"ExAllocatePool": 0x99, "ExAllocatePoolWithTag": 0x98}, true)
	n := 0x4000
	m[at] = machine.Get(at, n)
	return uint64(n)
}

func imports(names ...string) []dumptest.ImportFrom {
	return []dumptest.ImportFrom{{Module: "ntoskrnl.exe", Names: names}}
}

// Verdicts, each with what leads to it.
func TestVerdict(t *testing.T) {
	pointing := make([]byte, 0x40)
	binary.LittleEndian.PutUint32(pointing[4:], driverAt+8)
	for _, c := range []struct {
		name         string
		content      []byte
		imports      []string // of driver.sys
		other        []string // of other.sys
		want, module string
		evidence     string
	}{
		{"pointers and import", pointing, []string{"ExAllocatePool"}, nil, "driver.sys holds these blocks, as far as they tell.", "driver.sys", "no other module does"},
		{"pointers and two importers", pointing, []string{"ExAllocatePool"}, []string{"ExAllocatePool"}, "driver.sys holds these blocks, as far as they tell.", "driver.sys", "others import them too, and the sampled blocks do not point into those: other.sys"},
		{"pointers, no import", pointing, []string{"ExAllocatePoolWithTag"}, nil, "The blocks belong to driver.sys, but somebody else allocated them.", "driver.sys", "imports none of ExAllocatePool"},
		{"one importer", nil, []string{"ExAllocatePool"}, []string{"ExAllocatePoolWithTag"}, "driver.sys, as the only driver that can have made them.", "driver.sys", "it alone imports ExAllocatePool"},
		{"two importers", nil, []string{"ExAllocatePool"}, []string{"ExAllocatePool"}, "One of 2 drivers: driver.sys, other.sys.", "", "they import ExAllocatePool"},
		{"nobody", nil, nil, nil, "Nobody is named: no block points into a driver", "", ""},
	} {
		m := memory{}
		in := input(m, nil)
		list := blocks(m, 50, c.content)
		in.Blocks = slices.Values(list)
		in.Modules[1].Size = image(m, driverAt, dumptest.Image{Name: "driver.sys", Imports: imports(c.imports...)})
		const otherAt = 0x80200000
		in.Modules = append(in.Modules, Module{"other.sys", otherAt, image(m, otherAt, dumptest.Image{Name: "other.sys", Imports: imports(c.other...)}), false})
		r := look(t, in)
		if r.Looked != 2 || r.Drivers != 2 {
			t.Errorf("%s: looked at %d of %d, %+v", c.name, r.Looked, r.Drivers, r.Unread)
		}
		if v := r.Verdict; !strings.HasPrefix(v.Text, c.want) || v.Module != c.module || !strings.Contains(strings.Join(v.Evidence, "; "), c.evidence) {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}

// The four bytes, wherever they stand: across two pages, behind a page that is gone, as
// operand and not, as a protected tag.
func TestPlaces(t *testing.T) {
	m := memory{}
	code := make([]byte, 0x1800)
	copy(code[0x0ffd:], []byte{0x68, 'A', 'b', 'c', 'd'}) // across the second page's end
	copy(code[0x1100:], []byte{0x90, 'A', 'b', 'c', 'd' | 0x80})
	size := image(m, driverAt, dumptest.Image{Name: "driver.sys", Code: code})
	in := input(m, nil)
	in.Tag = [4]byte([]byte("Abcd"))
	in.Modules[1].Size = size
	r := look(t, in)
	if len(r.Places) != 1 || r.Places[0] != (Place{Module: "driver.sys", Loaded: true, RVA: 0x1ffe, Offset: -1, Section: ".text", Code: "push", Count: 2}) {
		t.Errorf("%+v", r.Places)
	}
	whole := m[driverAt]
	delete(m, driverAt)
	m[driverAt], m[driverAt+0x2000] = whole[:0x1000], whole[0x2000:]
	r = look(t, in)
	if len(r.Places) != 1 || r.Places[0].RVA != 0x2101 || r.Places[0].Code != "" || r.Places[0].Count != 1 {
		t.Errorf("%+v", r.Places)
	}
}

func TestOperands(t *testing.T) {
	m := memory{}
	image(m, driverAt, dumptest.Image{Name: "driver.sys", Code: make([]byte, 0x100)})
	for bytes, want := range map[string]string{
		"\x68": "push", "\xba": "mov", "\x41\xb8": "mov", "\xc7\x44\x24\x08": "mov", "\xc7\x45\xf8": "mov", "\x81\xf9": "", "": "", "\x90": "",
	} {
		in := input(m, nil)
		in.Tag = [4]byte([]byte("Tagg"))
		copy(m[driverAt][0x1010:0x1030], make([]byte, 0x20))
		copy(m[driverAt][0x1010:], bytes+"Tagg")
		if r := look(t, in); len(r.Places) != 1 || r.Places[0].Code != want {
			t.Errorf("% x: %+v, want %q", bytes, r.Places, want)
		}
	}
}

// A look ends when its context does.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m := memory{}
	for _, list := range [][]target.Block{nil, blocks(m, 10, nil)} {
		if _, err := Look(ctx, input(m, list)); !errors.Is(err, context.Canceled) {
			t.Errorf("%d blocks: %v", len(list), err)
		}
	}
	in := input(m, nil)
	in.Tag = [4]byte([]byte("Port"))
	if _, err := Importers(context.Background(), in); err == nil {
		t.Error("a tag that names somebody has allocators")
	}
}

// FuzzContent reads blocks of any content.
func FuzzContent(f *testing.F) {
	f.Add([]byte("text text"), uint64(0x80), 8)
	f.Add([]byte{1, 0x10, 0, 0x80, 'w', 0, 'i', 0, 'd', 0, 'e', 0, '!', 0}, uint64(4), 4)
	f.Fuzz(func(t *testing.T, content []byte, size uint64, pointer int) {
		if pointer != 8 {
			pointer = 4
		}
		m := memory{blocksAt: content}
		in := input(m, []target.Block{{Addr: blocksAt, Body: blocksAt, Size: size, Allocated: true}})
		in.Pointer = pointer
		r, err := Look(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		if c := r.Content; c.Readable > 1 || len(c.First) > contentBytes {
			t.Fatalf("%+v", c)
		}
	})
}
