package dumptest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// Every member that the writer knows is written with a value of its own, and looked
// for at the offset that was written down by hand.
func TestLayout(t *testing.T) {
	text, err := os.ReadFile("../testdata/layout.txt")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for column, p := range []Profile{XP, Server2003, X64} {
		m := New(p)
		for n, line := range strings.Split(string(text), "\n") {
			f := strings.Fields(line)
			if len(f) != 5 || f[0] == "#" || f[2+column] == "-" {
				continue
			}
			want, err := strconv.ParseUint(f[2+column], 16, 31)
			if err != nil {
				t.Fatal(err)
			}
			if f[1] == "size" {
				if m.Has(f[0]) {
					checked++
					if got := m.Size(f[0]); got != int(want) {
						t.Errorf("layout.txt:%d: %s of %s is written with %#x bytes, want %#x", n+1, f[0], p.Name, got, want)
					}
				}
				continue
			}
			member := f[0] + "." + f[1]
			if !m.Has(member) {
				continue
			}
			checked++
			at := m.Alloc(0x3000)
			size := m.place(member).size
			if size == 0 {
				m.Put(at+m.Offset(member), []byte{0xaa})
				size = 1
			} else {
				m.Set(at, member, 0xaaaaaaaaaaaaaaaa)
			}
			want2 := make([]byte, 0x3000)
			copy(want2[want:], bytes.Repeat([]byte{0xaa}, size))
			if got := m.Get(at, 0x3000); !bytes.Equal(got, want2) {
				t.Errorf("layout.txt:%d: %s of %s is written at %#x, want %#x", n+1, member, p.Name, bytes.IndexByte(got, 0xaa), want)
			}
		}
	}
	if checked < 480 {
		t.Errorf("%d members were compared, expected over 480", checked)
	}
}

// file(1) recognises each header: it knows the format from another source.
func TestFile(t *testing.T) {
	program := needs.Tool(t, "file", "file")
	type header struct {
		p    Profile
		kind Kind
	}
	var all []header
	for _, p := range Profiles {
		for _, kind := range append(slices.Clone(Kinds), HeaderOnly, Triage) {
			all = append(all, header{p, kind})
		}
	}
	for _, p := range Small {
		all = append(all, header{p, HeaderOnly}, header{p, Triage})
	}
	for _, c := range all {
		m := New(c.p)
		path := filepath.Join(t.TempDir(), "dump")
		if err := os.WriteFile(path, m.Dump(c.kind), 0o600); err != nil {
			t.Fatal(err)
		}
		want := []string{fmt.Sprintf("MS Windows %dbit crash dump", c.p.Bits)}
		if c.p.Bits == 32 {
			want = append(want, map[bool]string{true: ", PAE", false: "no PAE"}[c.p.PAE])
		}
		// It names no other kinds, and on 64 bits only the full one.
		if name := map[Kind]string{Full: "full dump", Summary: "kernel dump"}[c.kind]; c.p.Bits == 32 || c.kind == Full {
			want = append(want, name)
		}
		if c.kind == Full {
			want = append(want, strconv.Itoa(len(m.phys))+" pages")
		}
		out, err := exec.Command(program, "-b", path).CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(out), w) {
				t.Errorf("%s, kind %d: file says %q, want %q in it", c.p.Name, c.kind, strings.TrimSpace(string(out)), w)
			}
		}
	}
}

// A dump is the same when it is written twice, and another kind may follow.
func TestDumpTwice(t *testing.T) {
	for _, p := range Profiles {
		m := New(p)
		m.AddModule(Module{Name: "ntoskrnl.exe", Size: 0x200000})
		first := m.Dump(Full)
		m.Dump(BitmapFull)
		if !bytes.Equal(first, m.Dump(Full)) {
			t.Errorf("%s: the second dump differs", p.Name)
		}
	}
}

// Lists are circular both ways.
func TestInsert(t *testing.T) {
	m := New(XP)
	head := m.List("PsActiveProcessHead")
	a, b := m.Alloc(8), m.Alloc(8)
	m.Insert(head, a)
	m.Insert(head, b)
	at := head
	for _, want := range []uint64{a, b, head} {
		next := m.GetPtr(at)
		if next != want || m.GetPtr(next+4) != at {
			t.Errorf("behind %#x stands %#x with %#x before it, want %#x", at, next, m.GetPtr(next+4), want)
		}
		at = next
	}
}

// Numbers of a header stand where file formats have them.
func TestHeaderNumbers(t *testing.T) {
	m := New(XP)
	m.Alloc(0x40 * page) // enough for a gap between physical pages
	m.Header.Code, m.Header.Params = 0x7f, [4]uint64{8, 0x80042000, 0, 0}
	d := m.Dump(Full)
	le := binary.LittleEndian
	if le.Uint32(d[0x28:]) != 0x7f || le.Uint32(d[0x2c:]) != 8 || le.Uint32(d[0x30:]) != 0x80042000 || le.Uint32(d[0xf88:]) != 1 || d[0x5c] != 0 {
		t.Error("bug check, type or PAE stand elsewhere")
	}
	runs := le.Uint32(d[0x64:])
	if runs < 2 {
		t.Errorf("%d runs, expected more than one", runs)
	}
}
