package bootcode

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// refer remembers that an instruction puts the address of something in the
// sector into a register; note looks later whether it is a string.
func (w *walk) refer(n *Node, after *state) {
	r, ok := n.Inst.Asm.Args[0].(x86asm.Reg)
	if !ok || n.Inst.Asm.Op != x86asm.MOV && n.Inst.Asm.Op != x86asm.LEA && n.Inst.Asm.Op != x86asm.ADD && n.Inst.Asm.Op != x86asm.POP {
		return
	}
	switch r {
	case x86asm.SI, x86asm.DI, x86asm.BX, x86asm.BP, x86asm.DX, x86asm.AX, x86asm.CX:
	default:
		return
	}
	off, ok := after.get(r).num()
	if !ok {
		if w.others == nil {
			w.others = map[uint32]bool{}
		}
		w.others[n.Linear] = true
		return
	}
	base, ok := after.get(x86asm.DS).num()
	if !ok {
		base = 0
	}
	if at, inside := w.image.locate(base<<4 + off); inside {
		if w.refs == nil {
			w.refs = map[uint32]map[int]bool{}
		}
		if w.refs[n.Linear] == nil {
			w.refs[n.Linear] = map[int]bool{}
		}
		if len(w.refs[n.Linear]) < 16 {
			w.refs[n.Linear][at] = true
		}
	}
}

// refine drops what a path that lost its values said where another path kept
// them: the same call with less known of its arguments, a return of which some
// addresses are known.
func (w *walk) refine() {
	var services []Service
	for _, s := range w.Services {
		at := -1
		for i, have := range services {
			if have.At == s.At && have.Name == s.Name && have.Select == s.Select {
				at = i
			}
		}
		switch {
		case at < 0:
			services = append(services, s)
		case better(s.Args, services[at].Args):
			services[at] = s
		}
	}
	w.Services = services
	var reads []DiskTransfer
	for _, r := range w.Reads {
		at := -1
		for i, have := range reads {
			if have.At == r.At && have.LBA == r.LBA && have.Write == r.Write && (have.Source == r.Source || have.Source == computed || r.Source == computed) {
				at = i
			}
		}
		switch {
		case at < 0:
			reads = append(reads, r)
		case reads[at].Source == computed && r.Source != computed, reads[at].Source == r.Source && len(reads[at].Buffer)+len(reads[at].Drive) < len(r.Buffer)+len(r.Drive):
			reads[at] = r
		}
	}
	w.Reads = rows(reads)
	known := map[uint32]bool{}
	for _, e := range w.Exits {
		known[e.At] = known[e.At] || e.Known
	}
	var exits []Exit
	for _, e := range w.Exits {
		if n := w.nodes[e.At]; e.Known || !known[e.At] && (e.How != "return" || n == nil || len(n.Next) == 0) {
			exits = append(exits, e)
		}
	}
	w.Exits = exits
}

// rows makes one of the transfers of a loop over sectors: the first, and that
// others follow.
func rows(reads []DiskTransfer) []DiskTransfer {
	type place struct {
		at  uint32
		lba bool
	}
	fixed := func(r DiskTransfer) bool {
		return r.Source != computed && r.Source != fromEntry && r.Source != madeEntry
	}
	count := map[place]int{}
	for _, r := range reads {
		if fixed(r) {
			count[place{r.At, r.LBA}]++
		}
	}
	var out []DiskTransfer
	done := map[place]bool{}
	for _, r := range reads {
		if p := (place{r.At, r.LBA}); fixed(r) && count[p] > 2 {
			if done[p] {
				continue
			}
			done[p] = true
			r.Source += " and following ones"
		}
		out = append(out, r)
	}
	return out
}

// better reports whether arguments say more than others.
func better(args, than string) bool {
	if a, b := strings.HasPrefix(args, fromEntry), strings.HasPrefix(than, fromEntry); a != b {
		return a
	}
	if a, b := strings.HasPrefix(args, computed), strings.HasPrefix(than, computed); a != b {
		return b
	}
	return len(args) > len(than)
}

// note writes the remarks beside the instructions.
func (w *walk) note() {
	code := w.covered()
	for _, n := range w.Nodes {
		var offs []int
		for off := range w.refs[n.Linear] {
			offs = append(offs, off)
		}
		sort.Ints(offs)
		var names []string
		for _, off := range offs {
			if s, ok := stringAt(w.Data[:w.dataEnd()], min(off, w.dataEnd())); ok && !code[off] {
				names = append(names, strconv.Quote(s))
			}
		}
		if len(names) > 0 && w.others[n.Linear] {
			names = append(names, "another")
		}
		if len(names) > 0 {
			n.Notes = append(n.Notes, strings.Join(names, " or "))
		}
	}
	sort.SliceStable(w.Services, func(i, j int) bool { return w.Services[i].At < w.Services[j].At })
	sort.SliceStable(w.Reads, func(i, j int) bool { return w.Reads[i].At < w.Reads[j].At })
	sort.SliceStable(w.Exits, func(i, j int) bool { return w.Exits[i].At < w.Exits[j].At })
	w.refine()
	for _, r := range w.later {
		w.remark(r.linear, r.note)
	}
	for _, s := range w.Services {
		w.remark(s.At, s.String())
	}
	for _, c := range w.Copies {
		with := ""
		if w.facts.assumed && c.Seg >= 0x8000 {
			with = fmt.Sprintf(", with %d KB of memory", assumedMemory)
		}
		w.remark(c.At, fmt.Sprintf("copies %d bytes to %s%s", c.Bytes, c.Target(), with))
	}
	for _, e := range w.Exits {
		switch {
		case e.Loaded:
			w.remark(e.At, "to what was read to "+e.Target())
		case e.Mode != "":
			w.remark(e.At, "to "+e.Target()+" in "+e.Mode+" mode")
		case e.intoTable(w.Code):
			w.remark(e.At, "into the partition table: "+e.Target())
		case e.restarts():
			w.remark(e.At, "to the BIOS: restarts the machine")
		default:
			w.remark(e.At, "leaves the sector: "+e.Target())
		}
	}
}

// remark adds a note to the instruction at an address, once.
func (w *walk) remark(linear uint32, note string) {
	if n := w.nodes[linear]; n != nil && len(n.Notes) < 6 {
		n.Notes = addOnce(n.Notes, note)
	}
}
