package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/target"
)

func write(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, data []byte) *Target {
	t.Helper()
	d, err := Open(write(t, data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// numbered is n bytes that tell their offset, with a boot sector's signature where
// there is room.
func numbered(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + 1)
	}
	if n >= SectorBytes {
		b[0x1fe], b[0x1ff] = 0x55, 0xaa
	}
	return b
}

func vhd(kind uint32) []byte {
	b := append(numbered(4096), make([]byte, SectorBytes)...)
	copy(b[4096:], "conectix")
	binary.BigEndian.PutUint32(b[4096+0x3c:], kind)
	return b
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		kind kind
		size int64
		laid uint64
	}{
		{"one byte", numbered(1), code, 1, 1},
		{"code", numbered(440), code, 440, 440},
		{"one short of a sector", numbered(511), code, 511, 511},
		{"sector", numbered(512), sector, 512, 512},
		{"one more", numbered(513), image, 513, 512},
		{"image", numbered(1 << 20), image, 1 << 20, 512},
		{"fixed VHD", vhd(2), fixedVHD, 4096, 512},
		{"a footer of another type", vhd(3), image, 4608, 512},
		{"zeros", make([]byte, 4096), image, 4096, 512},
	} {
		d := open(t, c.data)
		r, size := d.Sectors()
		if d.kind != c.kind || size != c.size || d.laid() != c.laid {
			t.Errorf("%s: %s of %d bytes, %d laid, want %s, %d, %d", c.name, d.kind, size, d.laid(), c.kind, c.size, c.laid)
		}
		b := make([]byte, size)
		if n, err := r.ReadAt(b, 0); n != len(b) || !bytes.Equal(b, c.data[:size]) {
			t.Errorf("%s: reading the disk gave %d bytes (%v)", c.name, n, err)
		}
		if want := string(c.kind) + " "; !strings.HasPrefix(d.Describe(), want) {
			t.Errorf("%s: described as %q", c.name, d.Describe())
		}
	}
}

// Memory is the first sector at 7C00, and not a byte beside it.
func TestMemory(t *testing.T) {
	const outside = "of a disk, only sector 0 is in memory before it runs: 0x7c00 to 0x7dff"
	whole, part := numbered(4096), numbered(440)
	for _, c := range []struct {
		name    string
		data    []byte
		addr    uint64
		n, want int
		absent  uint64
		why     string
	}{
		{"all of it", whole, 0x7c00, 512, 512, 0, ""},
		{"nothing", whole, 0, 0, 0, 0, ""},
		{"the last byte", whole, 0x7dff, 1, 1, 0, ""},
		{"over the end", whole, 0x7dfe, 4, 2, 0x7e00, outside},
		{"at the end", whole, 0x7e00, 1, 0, 0x7e00, outside},
		{"in front", whole, 0x7bff, 2, 0, 0x7bff, outside},
		{"zero", whole, 0, 16, 0, 0, outside},
		{"the last address", whole, ^uint64(0), 16, 0, ^uint64(0), outside},
		{"code", part, 0x7c00, 440, 440, 0, ""},
		{"over the end of code", part, 0x7c00, 512, 440, 0x7db8, "the file has 440 bytes, which is less than a sector"},
		{"behind the code", part, 0x7dff, 1, 0, 0x7dff, "the file has 440 bytes, which is less than a sector"},
		{"behind its sector", part, 0x7e00, 1, 0, 0x7e00, outside},
	} {
		d := open(t, c.data)
		dst := bytes.Repeat([]byte{0xee}, c.n)
		n, err := d.ReadMemory(c.addr, dst)
		if n != c.want {
			t.Errorf("%s: %d bytes, want %d (%v)", c.name, n, c.want, err)
			continue
		}
		if n > 0 && !bytes.Equal(dst[:n], c.data[c.addr-LoadAddress:][:n]) {
			t.Errorf("%s: got % x", c.name, dst[:n])
		}
		if bytes.Count(dst[n:], []byte{0xee}) != c.n-n {
			t.Errorf("%s: bytes behind those that are there were changed", c.name)
		}
		var a *target.Absent
		switch {
		case n == c.n:
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		case !errors.As(err, &a) || a.Addr != c.absent || a.Why != c.why:
			t.Errorf("%s: %v, want absent at %#x: %s", c.name, err, c.absent, c.why)
		}
	}
}

// A file that is cut while it is open loses bytes; none is invented.
func TestCutWhileOpen(t *testing.T) {
	path := write(t, numbered(4096))
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	n, err := d.ReadMemory(LoadAddress, make([]byte, 200))
	var a *target.Absent
	if n != 100 || !errors.As(err, &a) || a.Addr != LoadAddress+100 || a.Why != "the file became shorter" {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestCapabilities(t *testing.T) {
	d := open(t, numbered(512))
	if !d.Has(target.Disk) || d.Has(target.Disk|target.Pools) || d.Lacks(target.Disk) != "" || d.Lacks(target.Pools) == "" {
		t.Error("a disk has sectors and nothing else")
	}
	if d.Types(LoadAddress) != nil || d.System() != nil || !d.Now().IsZero() || d.PointerSize() != 4 {
		t.Error("a disk runs no system")
	}
	other := open(t, numbered(512))
	if _, err := target.Join(d, other); err == nil || !strings.Contains(err.Error(), "cannot be joined") {
		t.Errorf("two disks were joined: %v", err)
	}
}

// What has a disk inside is refused by name, by Open and in a list of formats.
func TestContainers(t *testing.T) {
	formats := target.Formats{Format}
	for _, c := range append(containers[:len(containers):len(containers)], packed...) {
		head := make([]byte, 4096)
		copy(head[c.at:], c.magic)
		path := write(t, head)
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "it is "+c.what) {
			t.Errorf("%s: %v", c.what, err)
		}
		// With a boot sector's signature it is one, whatever it begins with.
		head[0x1fe], head[0x1ff] = 0x55, 0xaa
		d, err := formats.Open(write(t, head))
		if err != nil {
			t.Errorf("%s, with a signature: %v", c.what, err)
			continue
		}
		_ = d.Close()
	}
	if _, err := formats.Open(write(t, append([]byte("QFI\xfb"), make([]byte, 1000)...))); err == nil || !strings.Contains(err.Error(), "a qcow2 image") {
		t.Errorf("a qcow2 image among formats: %v", err)
	}
}

func TestMatch(t *testing.T) {
	gpt := make([]byte, 4096)
	copy(gpt[512:], "EFI PART")
	short := append(numbered(510), 0x55)
	for _, c := range []struct {
		name string
		head []byte
		want bool
	}{
		{"empty", nil, false},
		{"text", []byte("!lpc port\n"), false},
		{"code of 440 bytes", make([]byte, 440), true},
		{"code of 446 bytes", make([]byte, 446), true},
		{"447 bytes", make([]byte, 447), false},
		{"a sector without signature", make([]byte, 512), true},
		{"one short", short, false},
		{"a disk without signature", make([]byte, 4096), false},
		{"a GPT alone", gpt, true},
		{"half a GPT's signature", gpt[:516], false},
		{"a disk", numbered(4096), true},
		{"packed", append([]byte("\x1f\x8b\x08"), make([]byte, 4000)...), false},
	} {
		if got := Format.Match(c.head); got != c.want {
			t.Errorf("%s: matched %v, want %v", c.name, got, c.want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, b := range [][]byte{numbered(1), numbered(512), numbered(513), vhd(2), []byte("QFI\xfb"), nil} {
		f.Add(b, uint64(LoadAddress), uint16(512))
	}
	f.Add(numbered(440), uint64(0x7d00), uint16(700))
	path := filepath.Join(f.TempDir(), "disk.img")
	f.Fuzz(func(t *testing.T, data []byte, addr uint64, n uint16) {
		_ = os.Remove(path) // a file written over is flushed by some file systems
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		Format.Match(data[:min(len(data), target.HeadSize)])
		d, err := Open(path)
		if err != nil {
			if !strings.Contains(err.Error(), path) {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		defer d.Close()
		dst := make([]byte, n)
		got, err := d.ReadMemory(addr, dst)
		var a *target.Absent
		if got < len(dst) && (!errors.As(err, &a) || a.Addr != addr+uint64(got)) || got == len(dst) && err != nil {
			t.Fatalf("%d of %d bytes at %#x: %v", got, n, addr, err)
		}
		if got > 0 && !bytes.Equal(dst[:got], data[addr-LoadAddress:][:got]) {
			t.Error("memory is not the file's")
		}
	})
}
