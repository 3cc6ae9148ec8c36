package bootcode

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/arch/x86/x86asm"
)

// DiskTransfer is a read or write of sectors through int 13h.
type DiskTransfer struct {
	At     uint32 `json:"at"`
	Write  bool   `json:"write,omitempty"`
	LBA    bool   `json:"lba"`              // by LBA, else by CHS
	Source string `json:"source"`           // "partition entry", "computed from the partition entry", "sector 1", "CHS 0/0/2", "computed"
	Count  uint32 `json:"sectors"`          // 0 if not known
	Buffer string `json:"buffer,omitempty"` // 0000:7c00, empty if not known
	Drive  string `json:"drive,omitempty"`

	linear uint32 // of the buffer
	known  bool
}

// Sources that the verdict tells apart.
const (
	fromEntry = "partition entry"
	madeEntry = "computed from the partition entry"
	computed  = "computed"
)

// sectorBytes is what one sector of a BIOS disk takes in memory.
const sectorBytes = 512

// transferCHS takes a read or write by CHS apart: al count, ch, cl, dh the
// address, dl the drive, es:bx the buffer.
func (w *walk) transferCHS(svc *Service, n *Node, s, after *state) []string {
	t := DiskTransfer{At: n.Linear, Write: svc.AH == 3, Source: computed, Drive: describe(s.get(x86asm.DL))}
	t.Count, _ = s.get(x86asm.AL).num()
	cl, ch, dh := s.get(x86asm.CL), s.get(x86asm.CH), s.get(x86asm.DH)
	if cl.field(2) && ch.field(3) {
		t.Source = fromEntry
	} else if cl.ofEntry() || ch.ofEntry() {
		t.Source = madeEntry
	} else if v, ok := s.get(x86asm.CX).num(); ok {
		if h, ok := dh.num(); ok {
			t.Source = fmt.Sprintf("CHS %d/%d/%d", v>>8|v<<2&0x300, h, v&63)
		}
	}
	t.linear, t.known = s.linear(x86asm.ES, s.get(x86asm.BX))
	return w.transfer(t, svc.AH == 2, after)
}

// transferLBA takes a read or write by LBA apart: ds:si is the address of a
// packet of count, buffer and sector (EDD specification).
func (w *walk) transferLBA(svc *Service, n *Node, s, after *state) []string {
	t := DiskTransfer{At: n.Linear, Write: svc.AH == 0x43, LBA: true, Source: computed, Drive: describe(s.get(x86asm.DL))}
	at, ok := s.linear(x86asm.DS, s.get(x86asm.SI))
	if !ok {
		// With the stack of the BIOS still in use, si=sp names its top.
		if len(s.stack) >= 16 && s.get(x86asm.SI)[0].kind == unknown {
			top := make(word, 16)
			for i := range top {
				top[i] = s.stack[len(s.stack)-1-i]
			}
			return w.packet(t, top, svc, after)
		}
		return w.transfer(t, false, after)
	}
	return w.packet(t, s.read(at, 16, &w.image), svc, after)
}

// packet reads a disk address packet.
func (w *walk) packet(t DiskTransfer, p word, svc *Service, after *state) []string {
	t.Count, _ = p[2:4].num()
	off, ok := p[4:6].num()
	base, ok2 := p[6:8].num()
	t.linear, t.known = base<<4+off, ok && ok2
	if p[8:12].field(8) {
		t.Source = fromEntry
	} else if p[8:12].ofEntry() {
		t.Source = madeEntry
	} else if lo, ok := p[8:12].num(); ok {
		if hi, ok := p[12:16].num(); ok {
			var b [8]byte
			binary.LittleEndian.PutUint32(b[:], lo)
			binary.LittleEndian.PutUint32(b[4:], hi)
			t.Source = fmt.Sprintf("sector %d", binary.LittleEndian.Uint64(b[:]))
		}
	}
	return w.transfer(t, svc.AH == 0x42, after)
}

// transfer notes a transfer, forgets the memory that a read fills, and returns
// the words for the listing.
func (w *walk) transfer(t DiskTransfer, read bool, after *state) []string {
	if t.known {
		t.Buffer = segOff(t.linear)
	}
	if read && t.known {
		r := region{linear: t.linear, n: int(max(t.Count, 1)&0xff) * sectorBytes}
		if !after.has(r) && len(after.loaded) < maxLoaded {
			after.loaded = append(after.loaded, r)
		}
		for a := range after.mem {
			if a >= r.linear && a-r.linear < uint32(r.n) {
				delete(after.mem, a)
			}
		}
	}
	seen := false
	for _, have := range w.Reads {
		seen = seen || have == t
	}
	if !seen && len(w.Reads) < 1000 {
		w.Reads = append(w.Reads, t)
	}
	words := []string{t.Source}
	if t.Count > 0 {
		words = append(words, fmt.Sprintf("sectors=%d", t.Count))
	}
	if t.Buffer != "" {
		words = append(words, "buffer="+t.Buffer)
	}
	if t.Drive != "" {
		words = append(words, "dl="+t.Drive)
	}
	return words
}
