package bootcode

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/seed-eedd8485/lpc/bootsec/boottest"
)

// check holds what must be true of any bytes: no panic, bounded, every
// instruction within the bytes and as they are, everything printable.
func check(t *testing.T, data []byte, table bool) {
	c, err := Analyze(data, Options{Table: table, MaxSteps: 3000})
	if err != nil {
		if len(data) > 0 && len(data) <= MaxCode {
			t.Fatalf("%d bytes: %v", len(data), err)
		}
		return
	}
	if c.steps > 3000 {
		t.Errorf("%d steps", c.steps)
	}
	for _, n := range c.Nodes {
		if n.Offset < 0 || n.Offset+n.Inst.Len() > len(c.Data) || !bytes.Equal(c.Data[n.Offset:n.Offset+n.Inst.Len()], n.Inst.Bytes) {
			t.Errorf("%05x: % x is not what stands at %x", n.Linear, n.Inst.Bytes, n.Offset)
		}
	}
	if len(c.Verdict) == 0 {
		t.Error("no verdict")
	}
	var b bytes.Buffer
	for _, write := range []func() error{
		func() error { return c.WriteText(&b) }, func() error { return c.WriteSVG(&b) }, func() error { return c.WriteDOT(&b) },
		func() error { return c.WriteDifferences(&b, make([]byte, 100), "zeros") },
	} {
		if err := write(); err != nil {
			t.Error(err)
		}
	}
	if bytes.ContainsRune(b.Bytes(), 0x1b) {
		t.Error("a control character of the code reaches the output")
	}
	if _, err := json.Marshal(c); err != nil {
		t.Error(err)
	}
}

// Random sectors, also such that start like boot code and go astray.
func TestRandomSectors(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 9))
	for i := range 120 {
		sector := make([]byte, 512)
		for j := range sector {
			sector[j] = byte(rnd.Uint32())
		}
		if i%3 == 1 {
			copy(sector, boottest.Code("standard")[:0x1e+i%0x80])
		}
		check(t, sector, i%2 == 0)
	}
}

func FuzzAnalyze(f *testing.F) {
	for _, name := range []string{"standard", "stealth", "nodisk", "tangle"} {
		f.Add(boottest.Code(name), true)
	}
	f.Add([]byte{0xe8, 0xfd, 0xff}, false)             // calls itself
	f.Add([]byte{0xf3, 0xa4, 0xcb}, true)              // copies what is not known
	f.Add([]byte{0x68, 0, 0x7c, 0xc3}, false)          // returns to its start
	f.Add(bytes.Repeat([]byte{0x74, 0x00}, 250), true) // branches everywhere
	f.Fuzz(func(t *testing.T, data []byte, table bool) { check(t, data, table) })
}
