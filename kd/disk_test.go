package kd_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-eedd8485/lpc/bootsec/boottest"
	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/disk"
)

// file writes a file and returns its path.
func file(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openDisk(t testing.TB, path string) target.Target {
	t.Helper()
	d, err := disk.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// try runs a line that must not fail.
func try(t testing.TB, s *kd.Session, line string) string {
	t.Helper()
	var b strings.Builder
	if err := s.Run(context.Background(), &b, line); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return b.String()
}

// refuse runs a line that must fail with a sentence that ends so.
func refuse(t testing.TB, s *kd.Session, line, want string) {
	t.Helper()
	var b strings.Builder
	err := s.Run(context.Background(), &b, line)
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%s: %v, want ... %s", line, err, want)
	}
}

// The whole of !mbr, the code as ur shows it, a boot record that boot code would
// read, and sectors by their number.
func TestDiskCommands(t *testing.T) {
	path := file(t, "disk.img", boottest.Disk())
	s := kd.NewSession(openDisk(t, path))
	var b strings.Builder
	for _, line := range []string{
		"vertarget", "db 0:7c00 L20", "dd 7dfc L2", "ur 0:7c00 L3", "ur", "ur 7c1e 7c21", "ur 0:7dfe L1", "!sector 0n63 L1",
		".readdisk 3f 0:7c00; ur 0:7c00 L1; ur 0:7c5a L5; .scratch; .scratch clear", "!mbr",
	} {
		fmt.Fprintf(&b, "kd> %s\n%s\n", line, try(t, s, line))
	}
	golden.Text(t, "disk.txt", strings.ReplaceAll(b.String(), path, "disk.img"))
}

// What is wrong with a line about a disk is one sentence.
func TestDiskRefusals(t *testing.T) {
	path := file(t, "disk.img", boottest.Disk())
	s := kd.NewSession(openDisk(t, path))
	dir := t.TempDir()
	short := file(t, "short", make([]byte, 0x1ff))
	empty := file(t, "empty", nil)
	large := file(t, "large", make([]byte, 1<<20+1))
	for line, want := range map[string]string{
		"!mbr 7c01":                           "!mbr: a boot sector has 0x200 bytes, 0x1ff are there: no memory at 0x7e00: of a disk, only sector 0 is in memory before it runs: 0x7c00 to 0x7dff",
		"!mbr 0 1":                            "!mbr: 1 is too much; usage: !mbr [Address] [--against File] [-o File]",
		"!mbr -x":                             "!mbr: -x is not understood; usage: !mbr [Address] [--against File] [-o File]",
		"!mbr --against":                      "!mbr: --against needs a file; usage: !mbr [Address] [--against File] [-o File]",
		"!mbr --against " + empty:             "empty is empty, expected a disk or its sector 0",
		"!mbr --against /nothing":             "!mbr: opening /nothing: no such file or directory",
		"!mbr --against " + dir:               "is no file and no block device",
		"!mbr -o boot.png":                    "!mbr: boot.png is no name of a picture, expected one that ends in .svg or .dot",
		"!mbr -o /nothing/boot.svg":           "!mbr: writing /nothing/boot.svg: no such file or directory",
		"!sector":                             "!sector: a sector's number is expected; usage: !sector LBA [Lcount]",
		"!sector 800":                         "!sector: the disk has 0x800 sectors (0n2048), numbered from 0: 0x1 of them from 0x800 on are not there",
		"!sector 7ff L2":                      "!sector: the disk has 0x800 sectors (0n2048), numbered from 0: 0x2 of them from 0x7ff on are not there",
		"!sector ffffffffffffffff":            "0x1 of them from 0xffffffffffffffff on are not there",
		"!sector 0 L0":                        "!sector: 0x0 sectors, expected 1 to 0x800",
		"!sector 0 L801":                      "!sector: 0x801 sectors, expected 1 to 0x800",
		"!sector 0 9":                         "!sector: 9 is not understood, expected L and a count of sectors",
		`!sector 0 ""`:                        "is not understood, expected L and a count of sectors",
		".readdisk 0":                         ".readdisk: a sector's number and an address are expected; usage: .readdisk LBA Address [Lcount]",
		".readdisk 0 fffffe01":                ".readdisk: 0x200 bytes at fffffe01 reach behind the last address",
		".readmem " + short:                   ".readmem: a file and an address are expected; usage: .readmem File Address [Range]",
		".readmem " + short + " 0 L200":       "short has 0x1ff bytes, expected at least 0x200",
		".readmem " + empty + " 0":            "empty is empty",
		".readmem " + large + " 0":            "large has more than 0x100000 bytes; a range says how many of them to take (L200)",
		".readmem " + dir + " 0":              "is no file and no block device",
		".readmem /nothing 0":                 ".readmem: opening /nothing: no such file or directory",
		".readmem " + short + " 0 L100001":    ".readmem: a range of 0x100001 units, expected 1 to 0x100000",
		".readmem " + short + " ffffffff":     "reach behind the last address",
		".writemem " + dir + "/x 7c00":        ".writemem: a file, an address and a range are expected; usage: .writemem File Address Range",
		".writemem " + path + " 7c00 L200":    "disk.img exists and is not replaced",
		".writemem " + dir + "/x 7c00 L201":   ".writemem: nothing was written: no memory at 0x7e00: of a disk, only sector 0 is in memory before it runs: 0x7c00 to 0x7dff",
		".writemem " + dir + "/no/x 7c00 L20": "no/x: no such file or directory",
		"ur":                                  "ur: an address is expected: nothing was shown yet that could be gone on with",
		"ur 7e00":                             "ur: the listing ends at 00007e00: no memory at 0x7e00: of a disk, only sector 0 is in memory before it runs: 0x7c00 to 0x7dff",
		"ur 10000:0":                          "ur: 10000:0 is no address of real mode: segment and offset are at most ffff",
		"ur 0:7c00:1":                         "ur: 0:7c00:1 has two colons, expected segment:offset",
		"ur 7c10 7c00":                        "ur: the range ends at 00007c00, before it begins at 00007c10",
		"ur 7c00 L0":                          "ur: 0x0 instructions, expected 1 to 0x100000",
		"ur 7c00 ffffffff":                    "ur: a range of 0xffff8400 bytes, expected at most 0x100000",
		"ur 7c00 L1 2":                        "ur: 2 is too much, expected an address and a range (L20, or the last address)",
		"u 600":                               "u: the listing ends at 00000600: no memory at 0x600: of a disk, only sector 0 is in memory before it runs: 0x7c00 to 0x7dff",
		"!findfree":                           "!findfree: a size is expected; usage: !findfree Size [Address Range]",
		"!findfree 0":                         "!findfree: a size of 0x0, expected 1 to 0x100000",
		"!findfree 200":                       "!findfree: no 0x200 bytes of zeros in a row were found; a range to search may be given",
		"!findfree 10 0 L7c00":                "!findfree: no 0x10 bytes of zeros in a row were found; a range to search may be given",
		"db $free":                            "$free is not set; !findfree SIZE sets it (in $free)",
		".scratch drop":                       "drop is not understood; usage: .scratch [clear]",
		"!lpc port":                           "!lpc port: a disk holds no running system: it has sectors, and sector 0 in memory",
	} {
		refuse(t, s, line, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
		t.Error("a file was made from memory that is not there")
	}
	fresh := kd.NewSession(newFakeTarget())
	refuse(t, fresh, "!mbr", "!mbr: this target is no disk: lay a boot sector somewhere (.readmem) and give its address")
	refuse(t, fresh, "!sector 0", "!sector: this target is no disk")
}

// The seed's walk over a target that is no disk: the target stays as it is.
func TestBootSectorOverPools(t *testing.T) {
	sector := boottest.Disk()[:512]
	path := file(t, "sector0", sector)
	f := newFakePool(1000, pool.TypeDescription())
	f.add("Port", 0, bytes.Repeat([]byte{0xcc}, 300))
	zeros := f.add("Sect", 0, make([]byte, 0x400))
	tg := newFakeTarget(f)
	before := bytes.Clone(f.extents[0])

	s := kd.NewSession(tg)
	at := zeros // a block's body stands at a multiple of 32
	if got, want := try(t, s, "!findfree 200"), fmt.Sprintf("%08x`%08x L200  zeros in block Sect at ", at>>32, uint32(at)); !strings.HasPrefix(got, want) {
		t.Fatalf("!findfree 200 says %q, want %q", got, want)
	}
	if got := try(t, s, ".readmem "+path+" $free L200"); got != "Reading 200 bytes.\n" {
		t.Errorf(".readmem says %q", got)
	}
	want := fmt.Sprintf("%08x`%08x  fa 31 c0 8e d0 bc 00 7c-8e d8 8e c0 fb fc be 00  .1.....|........\n", at>>32, uint32(at))
	if got := try(t, s, "db $free L10"); got != want {
		t.Errorf("db: %q, want %q", got, want)
	}
	if got := try(t, s, "dd $free L1"); !strings.HasSuffix(got, " 8ec031fa\n") {
		t.Errorf("dd: %q", got)
	}
	for _, c := range []struct{ line, want string }{
		{"ur $free", " fa              cli\n"},
		{"ur $free+1c L1", fmt.Sprintf("%08x`%08x 1e  ", at>>32, uint32(at)+0x1c)[:17]},
		{"u $free L2", "xor     eax,eax"},
		{"!mbr $free", "It goes through the partition table and finds the active partition by its status byte."},
		{".scratch", " L200  from " + path},
		{"dps $free L1", "7c00bcd0`8ec031fa"},
		{"db $free+200 L10", "00 00 00 00"},
	} {
		if got := try(t, s, c.line); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q in it", c.line, got, c.want)
		}
	}
	// Another free range does not lie under the scratch.
	if got := try(t, s, "!findfree 200"); strings.HasPrefix(got, fmt.Sprintf("%08x`%08x ", at>>32, uint32(at))) {
		t.Errorf("the place is given away twice: %q", got)
	}
	out := filepath.Join(t.TempDir(), "out")
	if got := try(t, s, fmt.Sprintf(".writemem %s %x %x", out, at, at+0x1ff)); got != "Writing 200 bytes.\n" {
		t.Errorf(".writemem says %q", got)
	}
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, sector) {
		t.Errorf("what was written is not what was read (%v)", err)
	}
	if !bytes.Equal(before, f.extents[0]) {
		t.Error("the target was written")
	}
	if got := try(t, kd.NewSession(tg), fmt.Sprintf("db %x L10", at)); strings.Contains(got, "fa 31") {
		t.Error("another session sees the scratch")
	}
	if got := try(t, s, fmt.Sprintf(".scratch clear; db %x L10", at)); !strings.Contains(got, "00 00 00 00") {
		t.Errorf("after .scratch clear: %q", got)
	}
	// Where the target has nothing, that is said.
	if got := try(t, s, ".readmem "+path+" 0:7c00"); !strings.Contains(got, "The target has no memory at 00000000`00007c00") {
		t.Errorf("over absent memory: %q", got)
	}
	if got := try(t, s, "ur 0:7c00 L1"); got != "0000:7c00 fa              cli\n" {
		t.Errorf("ur 0:7c00: %q", got)
	}
}

// checkSector writes a sector into the file that tg reads and holds the commands over
// it: they end, say something, and print no control characters.
func checkSector(t *testing.T, tg target.Target, out *os.File, sector []byte, at uint16) {
	t.Helper()
	if _, err := out.WriteAt(sector[:512], 0); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"!mbr", "ur 0:7c00 L200", "u 7c00 L200", "ur 7c00 7dff", "!findfree 20", "db 0:7c00 L200", "!sector 0", fmt.Sprintf("!mbr %x", at)} {
		text, _, err := run(t, tg, line)
		if err != nil {
			text += err.Error()
		}
		if text == "" {
			t.Errorf("%s said nothing over %x", line, sector)
		}
		for _, r := range text {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Fatalf("%s: %U in the output over %x", line, r, sector)
			}
		}
	}
}

// sectorFile is a target over a sector that is written through the second result.
func sectorFile(t testing.TB) (target.Target, *os.File) {
	t.Helper()
	path := file(t, "sector", make([]byte, 512))
	out, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	return openDisk(t, path), out
}

// Random sectors, and boot code with random bytes in it.
func TestRandomSectors(t *testing.T) {
	watchdog(t)
	tg, out := sectorFile(t)
	r := rand.New(rand.NewSource(9))
	base := [][]byte{boottest.Disk()[:512], append(boottest.Code("stealth"), make([]byte, 512)...)[:512], append(boottest.Code("tangle"), make([]byte, 512)...)[:512]}
	for i := range 60 {
		sector := make([]byte, 512)
		r.Read(sector)
		if i%2 == 0 {
			copy(sector, base[r.Intn(len(base))])
			for range 1 + r.Intn(20) {
				sector[r.Intn(512)] = byte(r.Intn(256))
			}
		}
		checkSector(t, tg, out, sector, uint16(r.Intn(1<<16)))
	}
}

func FuzzSector(f *testing.F) {
	f.Add(boottest.Disk()[:512], uint16(0))
	f.Add(boottest.Code("stealth"), uint16(0x10))
	f.Add([]byte{0x82, 0xc4, 0xc5, 0x62, 0x0f}, uint16(0x1f8))
	tg, out := sectorFile(f)
	f.Fuzz(func(t *testing.T, data []byte, at uint16) {
		b := make([]byte, 512)
		copy(b[min(int(at), 511):], data)
		checkSector(t, tg, out, b, at)
	})
}
