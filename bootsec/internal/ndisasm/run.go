package ndisasm

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// A Line is one instruction of ndisasm's listing.
type Line struct {
	Addr  uint32
	Bytes []byte
	Text  string
}

// Run disassembles code as 16-bit code that stands at origin, and returns the
// lines by their address. ndisasm decodes from one end to the other; at the
// addresses in sync it starts anew, so that data in between does no harm. The
// test is skipped where ndisasm is not installed.
func Run(t testing.TB, code []byte, origin uint32, sync []uint32) map[uint32]Line {
	t.Helper()
	path := needs.Tool(t, "ndisasm", "nasm")
	file := filepath.Join(t.TempDir(), "code.bin")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatalf("writing code for ndisasm: %v", err)
	}
	args := []string{"-b16", fmt.Sprintf("-o0x%x", origin)}
	for _, addr := range sync {
		args = append(args, fmt.Sprintf("-s0x%x", addr))
	}
	out, err := exec.Command(path, append(args, file)...).Output()
	if err != nil {
		t.Fatalf("running ndisasm: %v", err)
	}
	lines, err := parse(out)
	if err != nil {
		t.Fatalf("reading ndisasm's listing: %v", err)
	}
	return lines
}

// parse reads "00007C00  33C0              xor ax,ax" and the lines with more
// bytes, which start with a minus.
func parse(out []byte) (map[uint32]Line, error) {
	lines := map[uint32]Line{}
	last := uint32(0)
	sc := bufio.NewScanner(bytes.NewReader(out))
	for sc.Scan() {
		fields := strings.Fields(sc.Text())
		if len(fields) == 1 && strings.HasPrefix(fields[0], "-") {
			more, err := hex.DecodeString(fields[0][1:])
			if err != nil {
				return nil, fmt.Errorf("line %q: %w", sc.Text(), err)
			}
			l := lines[last]
			l.Bytes = append(l.Bytes, more...)
			lines[last] = l
			continue
		}
		if len(fields) < 3 {
			continue // "skipping" lines
		}
		addr, err := strconv.ParseUint(fields[0], 16, 32)
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", sc.Text(), err)
		}
		b, err := hex.DecodeString(fields[1])
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", sc.Text(), err)
		}
		last = uint32(addr)
		lines[last] = Line{Addr: last, Bytes: b, Text: strings.Join(fields[2:], " ")}
	}
	return lines, sc.Err()
}

// slot is wider than two instructions: whatever a case is taken for, ndisasm
// is back in step in the nops behind it.
const slot = 32

// Cases disassembles each case by itself, in one run of ndisasm for many, and
// returns one line a case. Case i stands at address i*32, and no further than
// 16 bits reach.
func Cases(t testing.TB, cases [][]byte) []Line {
	t.Helper()
	const batch = 0x10000 / slot
	var out []Line
	for len(cases) > 0 {
		n := min(batch, len(cases))
		code := bytes.Repeat([]byte{0x90}, n*slot)
		for i, c := range cases[:n] {
			copy(code[i*slot:(i+1)*slot], c)
		}
		lines := Run(t, code, 0, nil)
		for i := range n {
			out = append(out, lines[uint32(i*slot)])
		}
		cases = cases[n:]
	}
	return out
}
