package targettest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/target"
)

// dump is everything that a target answers, as text: two targets that show the
// same state have the same text. Start time and parent are left out: a core has
// none.
func dump(t *testing.T, tg target.Target) string {
	t.Helper()
	var b strings.Builder
	s := tg.System()
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	for p := range s.Processes() {
		line("process %#x id %d image %q err %v", p.Addr, p.ID, p.Image, p.Err)
		line(" header %s", record(tg, "_LPC_POOL_HEADER", p.Addr))
		for h := range s.Handles(p.Addr) {
			line(" handle %#x object %#x access %#x entry %#x err %v", h.Value, h.Object, h.Access, h.Entry, h.Err)
		}
		for th := range s.Threads(p.Addr) {
			at, ok := target.Time(tg, p.Addr, field(tg, "_ETHREAD", "WaitStart", th.Addr))
			line(" thread %#x id %d err %v since %d %v: %s", th.Addr, th.ID, th.Err, at.UnixMicro(), ok, record(tg, "_ETHREAD", th.Addr))
		}
	}
	ports, how := s.Ports()
	line("ports %s", how)
	for o := range ports {
		line(" port %+v: %s", o, record(tg, "_LPCP_PORT_OBJECT", o.Addr))
		again, err := s.Object(o.Addr)
		if err != nil || again != o {
			t.Errorf("Object(%#x) is %+v (%v), Ports said %+v", o.Addr, again, err, o)
		}
	}
	for _, dir := range []string{"", "RPC Control", `\deep\ER\`} {
		for o := range s.Names(dir) {
			line("name in %q: %+v", dir, o)
		}
	}
	for bl := range s.Blocks("") {
		body := make([]byte, bl.Size-(bl.Body-bl.Addr))
		n, whole, err := target.ReadRecord(tg, bl.Body, body)
		line("block %+v: %d whole %v err %v %x", bl, n, whole, err, sha256.Sum256(body[:n]))
		if bl.Err == nil {
			if _, err := s.Object(bl.Body); err == nil && bl.Tag == [4]byte{'L', 'p', 'c', 'M'} {
				line(" message %s", record(tg, "_LPCP_MESSAGE", bl.Body))
			}
		}
	}
	return b.String()
}

// record is a record's bytes as text.
func record(tg target.Target, typ string, addr uint64) string {
	ty := tg.Types(addr)
	if ty == nil || ty.Layout(typ) == nil {
		return "not described"
	}
	b := make([]byte, ty.Layout(typ).Size)
	n, whole, err := target.ReadRecord(tg, addr, b)
	return fmt.Sprintf("%x whole %v err %v", b[:n], whole, err)
}

// field is a number in a record, 0 where it is not there.
func field(tg target.Target, typ, name string, addr uint64) uint64 {
	ty := tg.Types(addr)
	if ty == nil {
		return 0
	}
	f := ty.Layout(typ).Field(name)
	if f == nil || f.Type.Size > 8 {
		return 0
	}
	var b [8]byte
	if n, err := tg.ReadMemory(addr+uint64(f.Offset), b[:f.Type.Size]); err != nil || n != f.Type.Size {
		return 0
	}
	return binary.LittleEndian.Uint64(b[:])
}
