// Package llvmtest makes real images and program databases for tests, with LLVM's
// clang and lld-link. A test that needs them is skipped where they are not installed,
// with a sentence that names the package, and fails in CI.
//
// It is for tests alone; no other code imports it.
package llvmtest

import (
	"bufio"
	"bytes"
	"debug/pe"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// Run runs a program in a directory and returns what it prints.
func Run(t testing.TB, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// Compile compiles a source for an architecture of LLVM's name, with debug
// information, to an object file in dir.
func Compile(t testing.TB, dir, arch, source string, options ...string) string {
	t.Helper()
	abs, err := filepath.Abs(source)
	if err != nil {
		t.Fatal(err)
	}
	Run(t, dir, needs.Tool(t, "clang", "clang"), append([]string{"--target=" + arch + "-pc-windows-msvc", "-g", "-gcodeview", "-O1", "-fno-rtti", "-c", abs, "-o", "a.obj"}, options...)...)
	return filepath.Join(dir, "a.obj")
}

// An Image is a linked image with its program database.
type Image struct {
	Path, PDB string
	Name      string            // of the image: "ntoskrnl.exe"
	Size      uint64            // in memory
	Stamp     uint32            // TimeDateStamp
	Symbols   map[string]uint64 // RVAs by the linker's names, from its map
	Memory    []byte            // as a loader lays it out at the base that it was linked for
}

// Link compiles a source and links it as an image of that name for a base address.
func Link(t testing.TB, arch, source, name string, base uint64) *Image {
	t.Helper()
	lld := needs.Tool(t, "lld-link", "lld")
	dir := t.TempDir()
	obj := Compile(t, dir, arch, source)
	im := &Image{Path: filepath.Join(dir, name), Name: name}
	im.PDB = strings.TrimSuffix(im.Path, filepath.Ext(name)) + ".pdb"
	Run(t, dir, lld, "/debug", "/nodefaultlib", "/entry:entry", "/subsystem:native", "/fixed", "/map:a.map", "/base:0x"+strconv.FormatUint(base, 16), obj, "/out:"+name)
	im.load(t)
	im.readMap(t, filepath.Join(dir, "a.map"), base)
	return im
}

// load lays the image out as in memory.
func (im *Image) load(t testing.TB) {
	t.Helper()
	data, err := os.ReadFile(im.Path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := pe.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	im.Stamp = f.TimeDateStamp
	headers := uint32(0)
	switch h := f.OptionalHeader.(type) {
	case *pe.OptionalHeader32:
		im.Size, headers = uint64(h.SizeOfImage), h.SizeOfHeaders
	case *pe.OptionalHeader64:
		im.Size, headers = uint64(h.SizeOfImage), h.SizeOfHeaders
	}
	im.Memory = make([]byte, im.Size)
	copy(im.Memory, data[:headers])
	for _, s := range f.Sections {
		b, err := s.Data()
		if err != nil {
			t.Fatal(err)
		}
		copy(im.Memory[s.VirtualAddress:], b[:min(len(b), int(s.VirtualSize))])
	}
}

// readMap reads the linker's map: "0001:00000010  _name  0000000000401010  a.obj".
func (im *Image) readMap(t testing.TB, path string, base uint64) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	im.Symbols = map[string]uint64{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 3 || len(f[0]) != 13 || f[0][4] != ':' {
			continue
		}
		if at, err := strconv.ParseUint(f[2], 16, 64); err == nil && len(f[2]) == 16 && at >= base {
			im.Symbols[f[1]] = at - base
		}
	}
	if len(im.Symbols) == 0 {
		t.Fatalf("the linker's map names no symbols:\n%s", data)
	}
}
