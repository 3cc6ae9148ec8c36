package bootcode

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/bootsec/boottest"
	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/needs"
)

func TestKnownIsTheSharedTable(t *testing.T) {
	data, err := os.ReadFile(needs.File(t, "boot.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, knownJSON) {
		t.Error("known.json differs from data/boot.json: copy it again")
	}
}

func TestKnownIsWhole(t *testing.T) {
	codes := knownCodes()
	if len(codes) < 12 {
		t.Errorf("%d known codes", len(codes))
	}
	for _, k := range codes {
		if k.Name == "" || k.Source == "" || len(k.SHA256) != 64 || k.Length < 16 || len(k.Rows) != (k.Length+rowBytes-1)/rowBytes {
			t.Errorf("%s: source %q, %d bytes, %d rows", k.Name, k.Source, k.Length, len(k.Rows))
		}
	}
}

// digest makes the entry that known.json would have for a code.
func digest(name string, head []byte) knownCode {
	sum := sha256.Sum256(head)
	k := knownCode{Name: name, Length: len(head), SHA256: hex.EncodeToString(sum[:])}
	for i := 0; i < len(head); i += rowBytes {
		k.Rows = append(k.Rows, fmt.Sprintf("%08x", crc32.ChecksumIEEE(head[i:min(i+rowBytes, len(head))])))
	}
	return k
}

// Three quarters of the rows make a code known, one less does not; the rows
// that differ are named.
func TestRecognition(t *testing.T) {
	code := boottest.Code("standard")
	k := digest("own", code[:200]) // 13 rows, the last of 8 bytes; 10 are three quarters
	change := func(rows ...int) []byte {
		c := bytes.Clone(code)
		for _, r := range rows {
			c[r*rowBytes+3] ^= 0x40
		}
		return c
	}
	for _, c := range []struct {
		data  []byte
		known bool
		exact bool
		alike int
		says  string
	}{
		{code, true, true, 13, "Known boot code: own, alike in all 200 bytes of its head."},
		{change(20), true, true, 13, "Known boot code: own, alike in all 200 bytes of its head."}, // behind the head
		{change(5), true, false, 12, "Known boot code: own, alike in 12 of 13 rows; changed in the rows at 050."},
		{change(0, 5, 12), true, false, 10, "Known boot code: own, alike in 10 of 13 rows; changed in the rows at 000, 050, 0c0."},
		{change(0, 1, 5, 12), false, false, 0, "Unknown boot code."},
		{code[:200], true, true, 13, "Known boot code: own, alike in all 200 bytes of its head."},
		{code[:199], false, false, 0, "Unknown boot code."},
		{make([]byte, 512), false, false, 0, "Unknown boot code."},
	} {
		r := k.compare(c.data)
		if (r != nil) != c.known || r != nil && (r.Exact != c.exact || r.Alike != c.alike) || r.String() != c.says {
			t.Errorf("%+v: %q, want %q", r, r, c.says)
		}
	}
}

// Debian's own sectors are known exactly; changed as an installer or a virus
// changes them, they still are, and the place is named.
func TestRecogniseShipped(t *testing.T) {
	mbr := readShipped(t, "/usr/lib/syslinux/mbr/mbr.bin")
	if r := Recognise(mbr); r == nil || r.Name != "syslinux mbr" || !r.Exact {
		t.Errorf("mbr.bin: %v", r)
	}
	changed := bytes.Clone(mbr)
	copy(changed[0x42:], []byte{0xe9, 0, 1})
	r := Recognise(changed)
	if r == nil || r.Exact || r.Name != "syslinux mbr" || len(r.Differs) != 1 || r.Differs[0] != 0x40 {
		t.Errorf("mbr.bin with three bytes changed: %+v", r)
	}
	if !strings.Contains(r.String(), "changed in the rows at 040") {
		t.Errorf("%q", r)
	}
}

func TestCompare(t *testing.T) {
	code := boottest.Code("standard")
	c := analyze(t, code, Options{Table: true})
	other := bytes.Clone(code)
	var b bytes.Buffer
	if err := c.WriteDifferences(&b, other, "same.bin"); err != nil || b.String() != "No byte differs from same.bin.\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
	other[0x0f] ^= 1 // two in one run, two bytes apart
	other[0x11] ^= 1
	copy(other[0x9b:], "NO ACTIVE PARTITION")
	other[439] ^= 0xff // the last byte
	b.Reset()
	if err := c.WriteDifferences(&b, other, "other.bin"); err != nil {
		t.Fatal(err)
	}
	golden.Text(t, "compare.txt", b.String())
	list := c.Compare(other)
	if len(list) != 3 || list[0].Offset != 0x0f || len(list[0].Here) != 3 || list[len(list)-1].Offset != 439 {
		t.Errorf("%+v", list)
	}
	if got := c.Compare(code[:100]); len(got) != 0 {
		t.Errorf("a shorter file differs in %+v", got)
	}
}
