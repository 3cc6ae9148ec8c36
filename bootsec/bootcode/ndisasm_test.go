package bootcode

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/bootsec/boottest"
	"github.com/seed-eedd8485/lpc/bootsec/internal/ndisasm"
	"github.com/seed-eedd8485/lpc/internal/needs"
)

// shipped are the boot sectors of Debian's packages syslinux-common, extlinux
// and grub-pc-bin, with the least number of instructions that can be reached in
// each: less means that the walk lost its way.
var shipped = []struct {
	path  string
	o     Options
	least int
}{
	{"/usr/lib/syslinux/mbr/mbr.bin", Options{Table: true}, 144},
	{"/usr/lib/syslinux/mbr/altmbr.bin", Options{Table: true}, 141},
	{"/usr/lib/syslinux/mbr/gptmbr.bin", Options{Table: true}, 160},
	{"/usr/lib/EXTLINUX/mbr.bin", Options{Table: true}, 144},
	{"/usr/lib/EXTLINUX/altmbr.bin", Options{Table: true}, 141},
	{"/usr/lib/EXTLINUX/gptmbr.bin", Options{Table: true}, 160},
	{"/usr/lib/grub/i386-pc/boot.img", Options{}, 142},
	{"/usr/lib/grub/i386-pc/boot_hybrid.img", Options{}, 142},
	{"/usr/lib/grub/i386-pc/cdboot.img", Options{}, 63},
	{"/usr/lib/grub/i386-pc/diskboot.img", Options{Load: 0x8000}, 112},
	{"/usr/lib/grub/i386-pc/pxeboot.img", Options{}, 2},
	{"/usr/lib/grub/i386-pc/g2hdr.img", Options{}, 10},
}

// readShipped reads a file of a Debian package, or skips with its name.
func readShipped(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		pkg := "grub-pc-bin"
		if strings.HasPrefix(path, "/usr/lib/syslinux/") {
			pkg = "syslinux-common"
		} else if strings.HasPrefix(path, "/usr/lib/EXTLINUX/") {
			pkg = "extlinux"
		}
		needs.Missing(t, "%s is not installed (Debian package %s)", path, pkg)
	}
	return data
}

// Every instruction that can be reached must be the one that ndisasm sees at
// that address: length, mnemonic and operands.
func TestShippedAgainstNdisasm(t *testing.T) {
	for _, s := range shipped {
		t.Run(filepath.Base(filepath.Dir(s.path))+"/"+filepath.Base(s.path), func(t *testing.T) {
			c := analyze(t, readShipped(t, s.path), s.o)
			if len(c.Nodes) < s.least || len(c.Bad) > 0 || c.Truncated {
				t.Errorf("%d instructions reached, want at least %d; bad %v, truncated %v", len(c.Nodes), s.least, c.Bad, c.Truncated)
			}
			againstNdisasm(t, c)
		})
	}
}

// The sector that install-mbr writes (Debian package mbr).
func TestInstallMBRAgainstNdisasm(t *testing.T) {
	program := needs.Tool(t, "install-mbr", "mbr")
	path := filepath.Join(t.TempDir(), "disk.img")
	disk := make([]byte, 1<<20)
	copy(disk[tableOffset:], []byte{0x80, 0x20, 0x21, 0, 0x83, 0x65, 4, 0, 0, 8, 0, 0, 0, 4, 0, 0})
	disk[510], disk[511] = 0x55, 0xaa
	if err := os.WriteFile(path, disk, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "--force", path).CombinedOutput(); err != nil {
		t.Fatalf("install-mbr: %v\n%s", err, out)
	}
	disk, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := analyze(t, disk[:512], Options{Table: true})
	if len(c.Nodes) < 100 || len(c.Bad) > 0 || c.Truncated {
		t.Errorf("%d instructions reached, bad %v, truncated %v", len(c.Nodes), c.Bad, c.Truncated)
	}
	againstNdisasm(t, c)
}

// Our own code too, where nothing is installed but ndisasm.
func TestOwnAgainstNdisasm(t *testing.T) {
	for _, name := range []string{"standard", "stealth", "nodisk", "tangle"} {
		againstNdisasm(t, analyze(t, boottest.Code(name), Options{Table: name != "nodisk"}))
	}
}

// againstNdisasm disassembles the file once for each place at which parts of
// it run, and compares.
func againstNdisasm(t *testing.T, c *Code) {
	t.Helper()
	runs := map[uint16][]*Node{} // by the offset in the segment at which the file would start
	for _, n := range c.Nodes {
		start := n.Off - uint16(n.Offset)
		runs[start] = append(runs[start], n)
	}
	for start, nodes := range runs {
		var sync []uint32
		for _, n := range nodes {
			sync = append(sync, uint32(n.Off))
		}
		lines := ndisasm.Run(t, c.Data, uint32(start), sync)
		for _, n := range nodes {
			line, ok := lines[uint32(n.Off)]
			if !ok {
				// ndisasm was in the middle of another instruction, which overlaps this one.
				line = ndisasm.Run(t, c.Data[n.Offset:], uint32(n.Off), nil)[uint32(n.Off)]
			}
			ours, theirs := ndisasm.Normalise(ndisasm.Ours, n.Inst.String()), ndisasm.Normalise(ndisasm.Theirs, line.Text)
			if ours != theirs || !bytes.Equal(line.Bytes, n.Inst.Bytes) {
				t.Errorf("%04x:%04x: we say %x %q (%s), ndisasm %x %q (%s)", n.Seg, n.Off, n.Inst.Bytes, n.Inst, ours, line.Bytes, line.Text, theirs)
			}
		}
	}
}

// What Debian's boot sectors do.
func TestShippedVerdicts(t *testing.T) {
	for _, s := range []struct {
		path    string
		o       Options
		known   string
		verdict []string
	}{
		{"/usr/lib/syslinux/mbr/mbr.bin", Options{Table: true}, "syslinux mbr", []string{
			"It copies itself: 512 bytes from 0000:7c00 to 0000:0600, and goes on there.",
			"It goes through the partition table and finds the active partition by its status byte.",
			"It reads sectors whose address it computes from the partition entry by CHS (int 13h, ah=02) or by LBA (int 13h, ah=42) to 0000:7c00.",
			"It checks that what it read ends in 55 AA.",
			"It jumps to 0000:7c00, to the sector that it read.",
			"Where it cannot go on it prints a message and gives up through int 18h.",
		}},
		{"/usr/lib/syslinux/mbr/altmbr.bin", Options{Table: true}, "syslinux altmbr", []string{"It takes a sector from a partition entry without testing which one is active.", "It jumps to 0000:7c00, to the sector that it read."}},
		{"/usr/lib/grub/i386-pc/boot.img", Options{}, "GRUB 2 boot.img", []string{
			"It reads sector 1 by LBA (int 13h, ah=42) to 7000:0000.",
			"It does not check what it read for 55 AA.",
			"It copies 512 bytes from 7000:0000 to 0000:8000.",
			"It jumps to 0000:8000, outside of these bytes.",
		}},
		{"/usr/lib/grub/i386-pc/diskboot.img", Options{Load: 0x8000}, "", []string{"It jumps to 0000:8200, outside of these bytes."}},
	} {
		t.Run(filepath.Base(s.path), func(t *testing.T) {
			c := analyze(t, readShipped(t, s.path), s.o)
			name := ""
			if c.Known != nil {
				name = c.Known.Name
			}
			if name != s.known || c.Known != nil && !c.Known.Exact {
				t.Errorf("recognised as %q: %v", name, c.Known)
			}
			said := map[string]bool{}
			for _, v := range c.Verdict {
				said[v] = true
			}
			for _, want := range s.verdict {
				if !said[want] {
					t.Errorf("%q is missing in %q", want, c.Verdict)
				}
			}
		})
	}
}
