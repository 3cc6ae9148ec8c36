package ntdump

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// Where the header does not tell the block, or wrongly, it is found: around the
// module list, or in physical memory.
func TestScanDebugger(t *testing.T) {
	for _, p := range dumptest.Profiles {
		for _, c := range []struct {
			name  string
			spoil func(b []byte)
			how   string
		}{
			{"near the module list", func(b []byte) { spoilDebugger(b, p.Bits, 0) }, "scan of the kernel's image"},
			{"no module list", func(b []byte) {
				spoilDebugger(b, p.Bits, 0x1234)
				if p.Bits == 32 {
					binary.LittleEndian.PutUint32(b[0x18:], 0)
				} else {
					binary.LittleEndian.PutUint64(b[0x20:], 0)
				}
			}, "scan of physical memory"},
		} {
			w := newWorld(p)
			data := w.Dump(dumptest.Full)
			c.spoil(data)
			d := read(t, data)
			if d.Debugger() != nil {
				t.Fatalf("%s: found without a search", c.name)
			}
			if err := d.ScanDebugger(t.Context()); err != nil {
				t.Errorf("%s, %s: %v", p.Name, c.name, err)
				continue
			}
			k := d.Debugger()
			if k.How != c.how || k.Addr != w.DebuggerData() {
				t.Errorf("%s, %s: %#x by %s, want %#x by %s", p.Name, c.name, k.Addr, k.How, w.DebuggerData(), c.how)
			}
			testProcesses(t, d, w)
		}
	}
}

// spoilDebugger overwrites the header's KdDebuggerDataBlock.
func spoilDebugger(b []byte, bits int, at uint64) {
	if bits == 32 {
		binary.LittleEndian.PutUint32(b[0x60:], uint32(at))
		return
	}
	binary.LittleEndian.PutUint64(b[0x80:], at)
}

func TestScanDebuggerFails(t *testing.T) {
	m := dumptest.New(dumptest.XP)
	data := m.Dump(dumptest.Full)
	spoilDebugger(data, 32, 0)
	for i := 0x1000; i+4 <= len(data); i += 4 {
		if string(data[i:i+4]) == "KDBG" {
			data[i] = 'k'
		}
	}
	d := read(t, data)
	if err := d.ScanDebugger(t.Context()); err == nil || err.Error() != "searching the debugger data block: the dump holds none that is intact" {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.ScanDebugger(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A block that is damaged is told, and nothing is read behind its size.
func TestParseDebugger(t *testing.T) {
	good := func() []byte {
		b := make([]byte, 0x290)
		copy(b[0x10:], "KDBG")
		binary.LittleEndian.PutUint32(b[0x14:], 0x290)
		binary.LittleEndian.PutUint64(b[KernBase:], 0xffffffff804d7000)
		binary.LittleEndian.PutUint64(b[MmSessionSize:], 0xffffffff80551234)
		return b
	}
	k, err := parseDebugger(good(), 32)
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := k.Address(KernBase); !ok || v != 0x804d7000 {
		t.Errorf("kernel base %#x, %v", v, ok)
	}
	if v, ok := k.Address(MmSessionSize); !ok || v != 0x80551234 {
		t.Errorf("a field near the end: %#x, %v", v, ok)
	}
	if _, ok := k.Value(0x288); !ok {
		t.Error("a field that ends at the block's end is not known")
	}
	if _, ok := k.Value(0x289); ok {
		t.Error("a field that ends behind the block is known")
	}
	if _, ok := k.Offset(KThreadTeb); ok {
		t.Error("an offset behind the block's size is known")
	}
	if _, ok := k.Value(PteBase); ok {
		t.Error("a value behind the block's size is known")
	}
	var none *Debugger
	if _, ok := none.Address(KernBase); ok {
		t.Error("no block knows something")
	}
	for _, c := range []struct {
		spoil func(b []byte) []byte
		bits  int
		want  string
	}{
		{func(b []byte) []byte { return b[:0x10] }, 32, "16 bytes, expected at least 24"},
		{func(b []byte) []byte { b[0x10] = 'X'; return b }, 32, `tag "XDBG", expected KDBG`},
		{func(b []byte) []byte { b[0x15] = 0xff; return b }, 32, "a size of 0xff90 bytes, expected 0x58 to 0x1000"},
		{func(b []byte) []byte { return b[:0x28f] }, 32, "0x28f bytes of it are there, expected its size, 0x290"},
		{func(b []byte) []byte { b[KernBase+3] = 0x70; return b }, 32, "kernel base 0x704d7000, expected an address of the kernel"},
		{func(b []byte) []byte { b[KernBase+7] = 0; return b }, 64, "kernel base 0xffffff804d7000, expected an address of the kernel"},
	} {
		if _, err := parseDebugger(c.spoil(good()), c.bits); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
