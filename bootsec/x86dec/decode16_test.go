package x86dec

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/arch/x86/x86asm"

	"github.com/seed-eedd8485/lpc/bootsec/internal/ndisasm"
)

// textCase is one line of testdata/*.txt.
type textCase struct {
	where string // file:line
	code  []byte
	want  string
}

// readCases reads the text tables: comments start with #, a case is hex, a tab
// and the text. A case can be added without knowing Go.
func readCases(t *testing.T) []textCase {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("finding testdata/*.txt: %v, %d files", err, len(files))
	}
	var cases []textCase
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sc := bufio.NewScanner(bytes.NewReader(data))
		for n := 1; sc.Scan(); n++ {
			line := sc.Text()
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			code, want, ok := strings.Cut(line, "\t")
			b, err := hex.DecodeString(code)
			if !ok || err != nil {
				t.Fatalf("%s:%d: %q is not hex, a tab and a text: %v", name, n, line, err)
			}
			cases = append(cases, textCase{where: name + ":" + itoa(n), code: b, want: want})
		}
	}
	return cases
}

func TestDecode16Text(t *testing.T) {
	cases := readCases(t)
	if len(cases) < 500 {
		t.Errorf("the text tables hold %d cases, expected at least 500", len(cases))
	}
	for _, c := range cases {
		// The bytes behind must not matter.
		for _, tail := range [][]byte{nil, {0x90, 0x90, 0x90, 0x90}, {0xff, 0xff, 0xff, 0xff}} {
			in, err := Decode16(append(bytes.Clone(c.code), tail...), 0x7c00)
			if err != nil {
				t.Errorf("%s: %x: %v", c.where, c.code, err)
				break
			}
			if got := in.String(); got != c.want || in.Len() != len(c.code) {
				t.Errorf("%s: %x is %q of %d bytes, want %q of %d", c.where, c.code, got, in.Len(), c.want, len(c.code))
				break
			}
		}
	}
}

// Every shortened case must be refused as cut short, never taken for another
// instruction that reaches into nothing.
func TestDecode16Truncated(t *testing.T) {
	for _, c := range readCases(t) {
		for n := range c.code {
			in, err := Decode16(c.code[:n], 0x7c00)
			if err == nil {
				if in.Len() > n {
					t.Errorf("%s: the first %d bytes of %x give %q of %d bytes", c.where, n, c.code, in, in.Len())
				}
				continue
			}
			var e *Error
			if !errors.As(err, &e) || e.Addr != 0x7c00 || (n > 0 && !e.Short) {
				t.Errorf("%s: the first %d bytes of %x: %v, want a short *Error at 7c00", c.where, n, c.code, err)
			}
		}
	}
}

// The tables against an independent disassembler: same length, and the same
// text after the normaliser.
func TestDecode16AgainstNdisasm(t *testing.T) {
	cases := readCases(t)
	var codes [][]byte
	for _, c := range cases {
		code := bytes.Clone(c.code)
		closeTwin(code)
		codes = append(codes, code)
	}
	for i, line := range ndisasm.Cases(t, codes) {
		c := cases[i]
		if c.want == "wait" {
			continue // a prefix to ndisasm; to a processor an instruction of its own
		}
		in, err := Decode16(c.code, line.Addr)
		if err != nil {
			t.Errorf("%s: %v", c.where, err)
			continue
		}
		ours, theirs := ndisasm.Normalise(ndisasm.Ours, in.String()), ndisasm.Normalise(ndisasm.Theirs, line.Text)
		if ours != theirs || !bytes.Equal(line.Bytes, codes[i]) {
			t.Errorf("%s: %x: we say %q (%s), ndisasm %x %q (%s)", c.where, c.code, in, ours, line.Bytes, line.Text, theirs)
		}
	}
}

// closeTwin gives ndisasm the documented twin of an encoding that it refuses
// as well. That both mean the same is what the gaps table says; that we print
// the twin's text is what the comparison shows.
func closeTwin(code []byte) {
	salc := bytes.IndexByte(code, 0xd6)
	if closeGap(code) {
		code[salc] = 0xd6
	}
}

func TestDecode16Refuses(t *testing.T) {
	for _, c := range []struct{ code, want string }{
		{"", "decoding 16-bit instruction at 7c10: no bytes left, expected at least one"},
		{"0fff", "decoding 16-bit instruction at 7c10: bytes 0f ff are no instruction"},
		{"c4c000", "decoding 16-bit instruction at 7c10: bytes c4 c0 00 are no instruction"},
		{"fe3834127856", "decoding 16-bit instruction at 7c10: bytes fe 38 34 12 are no instruction"},
		{"ea1f06", "decoding 16-bit instruction at 7c10: bytes ea 1f 06 end within it, expected more than the 3 bytes given"},
		{"6667", "decoding 16-bit instruction at 7c10: bytes 66 67 end within it, expected more than the 2 bytes given"},
		{"666666666666666666666666666666666690", "decoding 16-bit instruction at 7c10: bytes 66 66 66 66 are no instruction"},
		{"f089d8", "decoding 16-bit instruction at 7c10: bytes f0 89 d8 are no instruction"},
	} {
		code, _ := hex.DecodeString(c.code)
		in, err := Decode16(code, 0x7c10)
		if err == nil {
			t.Errorf("%s is %q, want an error", c.code, in)
			continue
		}
		if err.Error() != c.want {
			t.Errorf("%s: %q, want %q", c.code, err, c.want)
		}
		if e := new(Error); errors.As(err, &e) && e.Given > 0 && errors.Unwrap(err) == nil {
			t.Errorf("%s: the decoder's own reason is lost", c.code)
		}
	}
}

func TestFlow(t *testing.T) {
	for _, c := range []struct {
		code   string
		flow   Flow
		target uint32
		far    bool
		seg    uint16
	}{
		{code: "90", flow: Next},
		{code: "eb63", flow: Jump, target: 0x7c65},
		{code: "e9fd83", flow: Jump, target: 0},
		{code: "7c0b", flow: Branch, target: 0x7c0d},
		{code: "e2f1", flow: Branch, target: 0x7bf3},
		{code: "e310", flow: Branch, target: 0x7c12},
		{code: "e80000", flow: Call, target: 0x7c03},
		{code: "ea1f060000", flow: Jump, target: 0x61f, far: true},
		{code: "9a34120090", flow: Call, target: 0x1234, far: true, seg: 0x9000},
		{code: "ffe0", flow: IndirectJump},
		{code: "ff2e5a7c", flow: IndirectJump},
		{code: "ff17", flow: IndirectCall},
		{code: "c3", flow: Return},
		{code: "cb", flow: Return},
		{code: "cf", flow: Return},
		{code: "cd13", flow: Interrupt},
		{code: "f4", flow: Stop},
	} {
		code, _ := hex.DecodeString(c.code)
		in, err := Decode16(code, 0x7c00)
		if err != nil {
			t.Errorf("%s: %v", c.code, err)
			continue
		}
		if in.Flow() != c.flow {
			t.Errorf("%s: flow %d, want %d", in, in.Flow(), c.flow)
		}
		if c.far {
			seg, off, ok := in.FarTarget()
			if !ok || seg != c.seg || off != c.target {
				t.Errorf("%s: far target %04x:%04x %v, want %04x:%04x", in, seg, off, ok, c.seg, c.target)
			}
		} else if target, ok := in.Target(); ok != (c.target != 0 || c.code == "e9fd83") || target != c.target {
			t.Errorf("%s: target %04x %v, want %04x", in, target, ok, c.target)
		}
	}
}

func TestLine(t *testing.T) {
	in, err := Decode16([]byte{0xf3, 0xa4, 0x50}, 0x7c13)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := in.Line(), "7c13 f3a4            rep movs byte ptr es:[di],byte ptr [si]"; got != want {
		t.Errorf("line %q, want %q", got, want)
	}
	if !in.Repeats() || in.StringUnit() != 1 || in.Next() != 0x7c15 || in.Mnemonic() != "rep movs" {
		t.Errorf("repeats %v, unit %d, next %04x, mnemonic %q", in.Repeats(), in.StringUnit(), in.Next(), in.Mnemonic())
	}
	in, err = Decode16([]byte{0xeb, 0xfe}, 0xfffe)
	if err != nil || in.Next() != 0 {
		t.Errorf("behind fffe comes %04x (%v), want 0: ip wraps", in.Next(), err)
	}
}

// FuzzDecode16 holds what every caller relies on: no panic, a length within
// the bytes given, the same answer whatever stands behind, a text.
func FuzzDecode16(f *testing.F) {
	for _, s := range []string{"33c0", "8206341278", "f3a4", "ea1f060000", "66666766", "0f20", "d6", "f60e0006", "c8", "9b", "6267c5c4"} {
		b, _ := hex.DecodeString(s)
		f.Add(b, uint32(0x7c00))
	}
	f.Fuzz(func(t *testing.T, code []byte, addr uint32) {
		in, err := Decode16(code, addr)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without text")
			}
			return
		}
		if in.Len() < 1 || in.Len() > len(code) || in.Len() > MaxLen {
			t.Fatalf("%x: length %d", code, in.Len())
		}
		if in.String() == "" || strings.Contains(in.String(), "Op(") || strings.Contains(in.String(), "Prefix(") {
			t.Errorf("%x: text %q", code, in)
		}
		again, err := Decode16(in.Bytes, addr)
		if err != nil || again.String() != in.String() {
			t.Errorf("%x alone is %q (%v), with bytes behind it %q", in.Bytes, again, err, in)
		}
		in.Flow()
		in.Target()
		in.FarTarget()
		if in.Asm.Op == x86asm.Op(0) && in.Mnemonic() == "" {
			t.Errorf("%x: no mnemonic", code)
		}
	})
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
