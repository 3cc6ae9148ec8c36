package bootcode

import (
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// Service is one BIOS call, with the registers that select it.
type Service struct {
	At     uint32 `json:"at"`     // address of the int instruction
	Vector uint8  `json:"vector"` //
	AH     int    `json:"ah"`     // -1 if not known or without meaning
	Name   string `json:"name"`
	Select string `json:"select"`            // "ah=42", "ax=bb00"; empty if not known
	Args   string `json:"args,omitempty"`    // what is known of the arguments
	Text   string `json:"message,omitempty"` // the string that is printed
}

// String returns the service as the listing shows it.
func (s Service) String() string {
	out := s.Name
	if s.Select != "" {
		out += " (" + s.Select + ")"
	}
	if s.Args != "" {
		out += ": " + s.Args
	}
	return out
}

// services names the calls: vector<<8 | ah, or vector<<8 | ff for a vector as
// a whole. After the BIOS interfaces of IBM's PC technical reference, the EDD
// specification (int 13h, ah 41 to 48) and the TCG PC client specification (int
// 1Ah, ax BBxx).
var services = map[uint16]string{
	0x10ff: "video", 0x1000: "video: set mode", 0x1001: "video: set cursor shape", 0x1002: "video: set cursor position",
	0x1003: "video: get cursor position", 0x1005: "video: select page", 0x1006: "video: scroll up", 0x1007: "video: scroll down",
	0x1008: "video: read character", 0x1009: "video: write character with attribute", 0x100a: "video: write character",
	0x100e: "video: write character as teletype", 0x100f: "video: get mode", 0x1011: "video: font", 0x1013: "video: write string",
	0x11ff: "equipment list", 0x12ff: "size of conventional memory",
	0x13ff: "disk", 0x1300: "disk: reset", 0x1301: "disk: get status", 0x1302: "disk: read sectors by CHS", 0x1303: "disk: write sectors by CHS",
	0x1304: "disk: verify sectors", 0x1305: "disk: format track", 0x1308: "disk: get parameters", 0x1315: "disk: get type", 0x1316: "disk: has it been changed",
	0x1341: "disk: are extensions present", 0x1342: "disk: extended read by LBA", 0x1343: "disk: extended write by LBA", 0x1344: "disk: extended verify",
	0x1348: "disk: get extended parameters", 0x134b: "disk: end or query CD emulation", 0x14ff: "serial port",
	0x15ff: "system", 0x1524: "system: A20 gate", 0x1586: "system: wait", 0x1587: "system: move block in extended memory", 0x1588: "system: size of extended memory",
	0x15c0: "system: get configuration", 0x15e8: "system: memory map",
	0x16ff: "keyboard", 0x1600: "keyboard: wait for a key", 0x1601: "keyboard: is there a key", 0x1602: "keyboard: shift flags", 0x1610: "keyboard: wait for a key", 0x1611: "keyboard: is there a key", 0x1612: "keyboard: shift flags",
	0x17ff: "printer", 0x18ff: "give up: ROM BASIC, or the next boot device", 0x19ff: "boot anew",
	0x1aff: "clock", 0x1a00: "clock: ticks since midnight", 0x1a02: "clock: time", 0x1a04: "clock: date", 0x1abb: "trusted platform module", 0x1ab1: "PCI BIOS",
}

// byAX are services that the whole of ax selects.
var byAX = map[uint32]string{
	0x1abb00: "TCG: is a trusted platform module present", 0x1abb07: "TCG: hash, extend and log",
	0x152400: "system: disable the A20 gate", 0x152401: "system: enable the A20 gate", 0x15e820: "system: memory map", 0x15e801: "system: size of memory above 1 MB",
	0x134b00: "disk: end CD emulation", 0x134b01: "disk: query CD emulation",
}

// withoutAH are the vectors that take no number in ah.
var withoutAH = map[uint8]bool{0x11: true, 0x12: true, 0x18: true, 0x19: true}

// interrupt names a BIOS call, notes what it does, and forgets what it may
// change.
func (w *walk) interrupt(n *Node, s, after *state) {
	imm, ok := n.Inst.Asm.Args[0].(x86asm.Imm)
	if !ok || n.Inst.Asm.Op != x86asm.INT {
		return
	}
	v := uint8(imm)
	svc := Service{At: n.Linear, Vector: v, AH: -1, Name: services[uint16(v)<<8|0xff]}
	ah, known := s.get(x86asm.AH).num()
	ax, axKnown := s.get(x86asm.AX).num()
	switch name := byAX[uint32(v)<<16|ax]; {
	case svc.Name == "":
		svc.Name = fmt.Sprintf("interrupt %02x", v)
	case withoutAH[v]:
	case axKnown && name != "":
		svc.AH, svc.Name, svc.Select = int(ah), name, fmt.Sprintf("ax=%04x", ax)
	case known:
		svc.AH, svc.Select = int(ah), fmt.Sprintf("ah=%02x", ah)
		if name := services[uint16(v)<<8|uint16(ah)]; name != "" && ah != 0xff {
			svc.Name = name
		}
	default:
		svc.Name += ", ah not known"
	}
	w.arguments(&svc, n, s, after)
	for _, have := range w.Services {
		if have == svc {
			return
		}
	}
	if len(w.Services) < 1000 {
		w.Services = append(w.Services, svc)
	}
}

// arguments adds what is known of the registers that matter, and forgets those
// that the service returns something in.
func (w *walk) arguments(svc *Service, n *Node, s, after *state) {
	var args []string
	show := func(name string, r x86asm.Reg) {
		if v := describe(s.get(r)); v != "" {
			args = append(args, name+"="+v)
		}
	}
	clobbers := []x86asm.Reg{x86asm.EAX}
	switch uint16(svc.Vector)<<8 | uint16(svc.AH)&0xff {
	case 0x100e:
		clobbers = nil // one character of many: al is no argument worth showing
	case 0x1302, 0x1303, 0x1304:
		args = append(args, w.transferCHS(svc, n, s, after)...)
	case 0x1342, 0x1343:
		args = append(args, w.transferLBA(svc, n, s, after)...)
		clobbers = []x86asm.Reg{x86asm.AH}
	case 0x1300:
		show("dl", x86asm.DL)
	case 0x1308:
		show("dl", x86asm.DL)
		clobbers = append(clobbers, x86asm.EBX, x86asm.ECX, x86asm.EDX) // es:di is for diskettes alone
	case 0x1341:
		show("bx", x86asm.BX)
		show("dl", x86asm.DL)
		clobbers = append(clobbers, x86asm.EBX, x86asm.ECX)
	default:
		if svc.Vector == 0x10 && svc.AH >= 0 && svc.AH != 3 && svc.AH != 0xf {
			break
		}
		clobbers = append(clobbers, x86asm.EBX, x86asm.ECX, x86asm.EDX)
	}
	svc.Args = strings.Join(args, " ")
	for _, r := range clobbers {
		after.set(r, nil)
	}
	if svc.Vector == 0x12 {
		w.facts.assumed = true
		after.set(x86asm.AX, s.read(0x413, 2, &w.image))
	}
}

// describe says what a register holds, in hex or in words; nothing if it is
// not known.
func describe(w word) string {
	if v, ok := w.num(); ok {
		return fmt.Sprintf("%0*x", 2*len(w), v)
	}
	switch {
	case len(w) == 1 && w[0].kind == bootDrive:
		return "boot drive"
	case len(w) > 0 && w[0].kind == entryByte && w.field(w[0].n):
		return fmt.Sprintf("entry+%x", w[0].n)
	}
	if p, ok := w.pointer(); ok {
		return fmt.Sprintf("address of entry+%x", p)
	}
	return ""
}
