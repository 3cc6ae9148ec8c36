package kd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/memimage"
)

// openImage opens an image of a machine's memory by what its first bytes are.
func openImage(t *testing.T, data []byte) target.Target {
	t.Helper()
	path := filepath.Join(t.TempDir(), "memory")
	if err := os.WriteFile(path, append(data, make([]byte, max(0, 1<<20-len(data)))...), 0o600); err != nil {
		t.Fatal(err)
	}
	tg, err := target.Formats{memimage.ELF, memimage.Raw}.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tg.Close() })
	return tg
}

// The commands show of a memory image what they show of a dump of the same machine:
// only what the target is differs.
func TestMemoryImages(t *testing.T) {
	for name, p := range map[string]dumptest.Profile{"xp": dumptest.XP, "xp_pae": dumptest.XPPAE, "2003": dumptest.Server2003, "2003_x64": dumptest.X64} {
		t.Run(name, func(t *testing.T) {
			s := newNtScene(p)
			s.LabelBuild(map[uint32]string{2600: "2600.xpsp_sp3_gdr.101209-1647", 3790: "3790.srv03_sp2_gdr.101019-0340"}[p.Build])
			lines := []string{".bugcheck"}
			for _, l := range s.lines() {
				if l != "vertarget" {
					lines = append(lines, l)
				}
			}
			want := transcript(t, openDump(t, s.Dump(dumptest.Full)), lines...)
			forms := map[string][]byte{"raw": s.Raw(), "qemu": s.QEMU(), "virtualbox": s.VirtualBox()}
			for form, data := range forms {
				if got := transcript(t, openImage(t, data), lines...); got != want {
					t.Errorf("%s: %s", form, golden.Differ(got, want))
				}
			}
			if name != "2003_x64" {
				return
			}
			// With the processors' registers, r and k start from them.
			cpu := dumptest.CPU{"rip": s.nt + atWait, "rsp": s.GetPtr(s.ran+s.Offset("_KTHREAD.StackBase")) - 0x700, "rflags": 0x246, "cs": 0x10, "ss": 0x18,
				"cr0": 0x80050033, "cr3": s.Kernel().DTB, "cr4": 0x6f8, "efer": 0xd01}
			var b strings.Builder
			for _, form := range []string{"raw", "qemu", "virtualbox"} {
				data := forms[form]
				switch form {
				case "qemu":
					data = s.QEMU(cpu)
				case "virtualbox":
					data = s.VirtualBox(cpu)
				}
				b.WriteString("== " + form + "\n" + transcript(t, openImage(t, data), "vertarget", "r", "k 2"))
			}
			golden.Text(t, "windows/memimage.txt", b.String())
		})
	}
}
