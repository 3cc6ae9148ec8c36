package bootcode

import (
	"fmt"
	"sort"
	"strings"
)

// verdict says in sentences what the code does. Every one follows from what
// was decoded; what was looked for and not found is said too.
func (c *Code) verdict() []string {
	if len(c.Nodes) == 0 {
		return []string{"The first bytes are no instruction: this is not boot code."}
	}
	var out []string
	if empty(c.Data[:min(len(c.Data), c.dataEnd())]) {
		return []string{"There is no boot code: all bytes are zero."}
	}
	for _, cp := range c.Copies {
		with := ""
		if c.facts.assumed && cp.Seg >= 0x8000 {
			with = fmt.Sprintf(" (with %d KB of memory)", assumedMemory)
		}
		goes := ", and goes on there"
		if !c.runsIn(cp) {
			goes = ""
		}
		out = append(out, fmt.Sprintf("It copies itself: %d bytes from %s to %s%s%s.", cp.Bytes, segOff(cp.From), cp.Target(), with, goes))
	}
	if c.Table {
		out = append(out, c.sayTable())
	}
	out = append(out, c.sayReads()...)
	out = append(out, c.sayExits()...)
	out = append(out, c.sayGivesUp()...)
	out = append(out, c.sayHooks()...)
	if n := len(c.Bad); n > 0 {
		out = append(out, fmt.Sprintf("%d place(s) that can be reached are no instructions, the first at %s: the code is damaged, or was followed wrongly.", n, segOff(c.Bad[0].Linear)))
	}
	if c.Truncated {
		out = append(out, "The code was not followed to its end: it has more ways through it than are looked at.")
	}
	return out
}

// runsIn reports whether any instruction runs in a copy.
func (c *Code) runsIn(cp Copy) bool {
	for _, n := range c.Nodes {
		if n.Linear >= cp.To && n.Linear-cp.To < uint32(cp.Bytes) {
			return true
		}
	}
	return false
}

// sayTable says what the code does with the partition table.
func (c *Code) sayTable() string {
	switch f := c.facts; {
	case f.status && f.steps:
		return "It goes through the partition table and finds the active partition by its status byte."
	case f.status:
		return "It tests the status byte of a partition entry, but does not go through the table."
	case c.readsFrom(fromEntry) || c.readsFrom(madeEntry):
		return "It takes a sector from a partition entry without testing which one is active."
	}
	return "It does not look for an active partition."
}

func (c *Code) readsFrom(source string) bool {
	for _, r := range c.Reads {
		if !r.Write && r.Source == source {
			return true
		}
	}
	return false
}

// sayReads says what is read from disk, and whether it is checked.
func (c *Code) sayReads() []string {
	var out []string
	type place struct{ source, buffer string }
	how := map[place][]string{}
	var order []place
	for _, r := range c.Reads {
		if r.Write {
			continue
		}
		p := place{r.Source, r.Buffer}
		method := "by CHS (int 13h, ah=02)"
		if r.LBA {
			method = "by LBA (int 13h, ah=42)"
		}
		if how[p] == nil {
			order = append(order, p)
		}
		how[p] = addOnce(how[p], method)
	}
	for _, p := range order {
		what := "sectors whose address it computes"
		switch {
		case p.source == fromEntry:
			what = "the sector that the partition entry names"
		case p.source == madeEntry:
			what = "sectors whose address it computes from the partition entry"
		case p.source != computed:
			what = p.source
		}
		to := ""
		if p.buffer != "" {
			to = " to " + p.buffer
		}
		sort.Strings(how[p])
		out = append(out, fmt.Sprintf("It reads %s %s%s.", what, strings.Join(how[p], " or "), to))
	}
	if len(out) == 0 {
		return append(c.sayWrites(), "It reads nothing from disk that could be followed.")
	}
	out = append(out, c.sayWrites()...)
	switch {
	case len(c.facts.signature) > 0 || c.facts.sigOther:
		out = append(out, "It checks that what it read ends in 55 AA.")
	default:
		out = append(out, "It does not check what it read for 55 AA.")
	}
	return out
}

func (c *Code) sayWrites() []string {
	for _, r := range c.Reads {
		if r.Write {
			return []string{fmt.Sprintf("It writes to the disk (%s, at %s), which boot code has no cause to do.", r.Source, segOff(r.At))}
		}
	}
	return nil
}

// sayExits says where control goes in the end.
func (c *Code) sayExits() []string {
	var out []string
	for _, e := range c.Exits {
		verb := map[string]string{"call": "calls", "return": "returns to"}[e.How]
		if verb == "" {
			verb = "jumps to"
		}
		switch {
		case e.Loaded:
			out = addOnce(out, fmt.Sprintf("It jumps to %s, to the sector that it read.", e.Target()))
		case e.Mode != "":
			out = addOnce(out, fmt.Sprintf("It switches to protected mode and jumps to %s.", e.Target()))
		case e.intoTable(c):
			out = addOnce(out, fmt.Sprintf("It goes on in the partition table (%s), as if that were code.", e.Target()))
		case e.restarts():
			out = addOnce(out, "It restarts the machine.")
		case e.Known && e.Seg == 0 && e.Off == uint32(c.Load):
			out = addOnce(out, fmt.Sprintf("It %s %s.", verb, e.Target()))
		case e.Known || e.How != "return":
			out = addOnce(out, fmt.Sprintf("It %s %s, outside of these bytes.", verb, e.Target()))
		}
	}
	for _, m := range c.facts.moves {
		out = append(out, "It copies "+m+".")
	}
	if len(out) == 0 {
		if c.services(0x18) || c.services(0x19) {
			return []string{"It does not go on to other code but through the BIOS."}
		}
		return []string{"It does not go on to other code: it ends in a loop or stops."}
	}
	return out
}

func (c *Code) services(vector uint8) bool {
	for _, s := range c.Services {
		if s.Vector == vector {
			return true
		}
	}
	return false
}

// sayGivesUp says what happens when it cannot go on, and other BIOS calls that
// matter.
func (c *Code) sayGivesUp() []string {
	var ways []string
	prints := false
	tpm := false
	for _, s := range c.Services {
		prints = prints || s.Vector == 0x10 && (s.AH == 0x0e || s.AH == 0x13 || s.AH == 9)
		tpm = tpm || s.Vector == 0x1a && strings.HasPrefix(s.Name, "TCG")
	}
	if prints {
		ways = append(ways, "prints a message")
	}
	if c.services(0x18) {
		ways = append(ways, "gives up through int 18h")
	}
	if c.services(0x19) {
		ways = append(ways, "boots anew through int 19h")
	}
	var out []string
	if tpm {
		out = append(out, "It measures what it starts into a trusted platform module (int 1Ah, ah=bb), if there is one.")
	}
	if len(ways) > 0 {
		out = append(out, "Where it cannot go on it "+join(ways)+".")
	}
	return out
}

// sayHooks says what it does to the BIOS's own memory.
func (c *Code) sayHooks() []string {
	var out []string
	var vectors []int
	for v := range c.facts.hooks {
		vectors = append(vectors, int(v))
	}
	sort.Ints(vectors)
	for i, v := range vectors {
		if i == 8 {
			break
		}
		name := ""
		switch v {
		case 0x13:
			name = ", the disk: what boot viruses do"
		case 0x1e:
			name = ", the table of diskette parameters"
		}
		out = append(out, fmt.Sprintf("It writes interrupt vector %02x%s.", v, name))
	}
	if c.facts.memory {
		out = append(out, "It changes the size of memory that the BIOS gives out (0000:0413): what boot viruses do to stay.")
	}
	return out
}

// join makes "a, b and c".
func join(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

// empty reports bytes that are all zero.
func empty(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
