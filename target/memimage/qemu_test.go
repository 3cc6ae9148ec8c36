package memimage

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
	"github.com/seed-eedd8485/lpc/target/ntdump"
)

// QEMU itself writes the images: of a machine whose memory is what the test wrote, and
// which has not run yet, plainly, by virtual address, and compressed.
func TestQEMU(t *testing.T) {
	qemu := needs.Tool(t, "qemu-system-x86_64", "qemu-system-x86")
	proctest.Watchdog(t, 2*time.Minute)
	for _, p := range []dumptest.Profile{dumptest.XP, dumptest.XPPAE, dumptest.X64, dumptest.Win10} {
		t.Run(p.Name, func(t *testing.T) {
			dir := t.TempDir()
			w := newWorld(p)
			ram := make([]byte, 16<<20)
			copy(ram, w.Raw())
			if err := os.WriteFile(filepath.Join(dir, "ram"), ram, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(qemu, "-machine", "pc,accel=tcg,memory-backend=ram", "-object", "memory-backend-file,id=ram,size=16M,mem-path=ram,share=off",
				"-m", "16", "-smp", "2", "-S", "-nodefaults", "-display", "none", "-monitor", "stdio")
			cmd.Dir = dir
			cmd.Stdin = strings.NewReader("dump-guest-memory plain\ndump-guest-memory -p virtual\ndump-guest-memory -z packed\nquit\n")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("qemu: %v\n%s", err, out)
			}
			for _, name := range []string{"plain", "virtual"} {
				tg := open2(t, filepath.Join(dir, name))
				h := tg.Dump().Header()
				if h.Build != p.Build || h.DTB != w.space.DTB || h.Image != "ELF image by QEMU" || tg.Dump().Pages() < 16<<20/4096 {
					t.Errorf("%s: build %d, page tables at %#x, %s, %d pages", name, h.Build, h.DTB, h.Image, tg.Dump().Pages())
				}
				checkReset(t, tg, p)
			}
			if _, err := formats.Open(filepath.Join(dir, "packed")); err == nil || !strings.Contains(err.Error(), "it is a compressed dump of makedumpfile or QEMU") {
				t.Errorf("a compressed dump: %v", err)
			}
		})
	}
}

// checkReset looks at the registers of a processor that has not run: it stands at
// f000:fff0 (Intel SDM volume 3, 10.1.4), in a mode that is not Windows'. So on a
// machine of 64 bits they are none of its registers.
func checkReset(t *testing.T, tg *ntdump.Target, p dumptest.Profile) {
	t.Helper()
	r, err := tg.Dump().ProcessorContext(1)
	if p.Bits == 64 {
		if err == nil || !strings.Contains(strings.Join(tg.Dump().Notes(), "\n"), "the registers of 2 processors are left out: x86, expected x64") {
			t.Errorf("%+v, %v, notes %q", r, err, tg.Dump().Notes())
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]uint64{"eip": 0xfff0, "cs": 0xf000, "efl": 2, "eax": 0} {
		if v, ok := r.Get(name); !ok || v != want {
			t.Errorf("%s is %#x, %v; want %#x", name, v, ok, want)
		}
	}
}
