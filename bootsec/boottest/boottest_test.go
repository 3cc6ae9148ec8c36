package boottest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// Every code is what nasm makes of its source.
func TestAssembled(t *testing.T) {
	nasm := needs.Tool(t, "nasm", "nasm")
	sources, err := filepath.Glob("code/*.asm")
	if err != nil || len(sources) < 4 {
		t.Fatalf("%d sources, %v", len(sources), err)
	}
	for _, source := range sources {
		out := filepath.Join(t.TempDir(), "code.bin")
		if b, err := exec.Command(nasm, "-f", "bin", source, "-o", out).CombinedOutput(); err != nil {
			t.Fatalf("nasm: %v\n%s", err, b)
		}
		want, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(source), ".asm")
		if !bytes.Equal(Code(name), want) {
			t.Errorf("%s.hex is not what nasm makes of %s: nasm -f bin %s -o x.bin; xxd -p x.bin", name, source, source)
		}
	}
}
