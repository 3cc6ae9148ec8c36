package bootcode

import (
	"fmt"
	"io"
	"sort"
	"strings"
)

// WriteText prints the code as WinDbg's ur does, one instruction a line, with
// data as db between them. The first column is where an instruction runs;
// where that is not where it was loaded, that address stands beside it in
// parentheses. Labels name what is jumped to.
func (c *Code) WriteText(w io.Writer) error {
	var b strings.Builder
	targets := c.targets()
	nodes := append([]*Node(nil), c.Nodes...)
	sort.SliceStable(nodes, func(i, j int) bool { return nodes[i].Offset < nodes[j].Offset })
	at := 0
	for _, n := range nodes {
		if n.Offset > at {
			c.writeData(&b, at, n.Offset)
			at = n.Offset
		}
		if from := targets[n.Linear]; from != "" {
			fmt.Fprintf(&b, "%04x:%04x:%s\n", n.Seg, n.Off, from)
		}
		note := ""
		if n.Offset < at {
			note = "overlaps the instruction above; "
		}
		note += strings.Join(n.Notes, "; ")
		c.writeLine(&b, fmt.Sprintf("%04x:%04x", n.Seg, n.Off), n.Linear, n.Offset, n.Inst.Bytes, n.Inst.String(), note)
		at = max(at, n.Offset+n.Inst.Len())
	}
	c.writeData(&b, at, c.given)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeLine prints one row of the listing.
func (c *Code) writeLine(b *strings.Builder, addr string, linear uint32, offset int, bytes []byte, text, note string) {
	loaded := ""
	if l := uint32(c.Load) + uint32(offset); l != linear {
		loaded = fmt.Sprintf("(%04x)", l)
	}
	line := fmt.Sprintf("%s %-6s %-16x %s", addr, loaded, bytes, text)
	if note != "" {
		line = fmt.Sprintf("%-70s ; %s", line, note)
	}
	fmt.Fprintln(b, strings.TrimRight(line, " "))
}

// targets returns the words behind the label of each instruction that is
// jumped or called to.
func (c *Code) targets() map[uint32]string {
	count := map[uint32][3]int{}
	for _, n := range c.Nodes {
		for _, e := range n.Next {
			k := count[e.To]
			switch e.Kind {
			case Taken:
				k[0]++
			case Called:
				k[1]++
			case Back:
				k[2]++
			}
			count[e.To] = k
		}
	}
	out := map[uint32]string{}
	for to, k := range count {
		var words []string
		if k[1] > 0 {
			words = append(words, fmt.Sprintf("called from %d", k[1]))
		}
		if k[0] > 0 {
			words = append(words, fmt.Sprintf("jumped to from %d", k[0]))
		}
		if len(words) > 0 {
			out[to] = strings.Repeat(" ", 8) + "; " + strings.Join(words, ", ")
		}
	}
	return out
}

// writeData prints the bytes from offset from to offset to as data.
func (c *Code) writeData(b *strings.Builder, from, to int) {
	for from < to {
		n, text, note := c.datum(from, to)
		linear, seg := c.running(from)
		shown := c.Data[from:min(from+n, from+8)]
		if c.Table && from >= diskIDOffset {
			linear, seg = uint32(c.Load)+uint32(from), 0
		}
		c.writeLine(b, fmt.Sprintf("%04x:%04x", seg, (linear-uint32(seg)<<4)&0xffff), linear, from, shown, text, note)
		from += n
	}
}

// datum decides what to show at an offset: how many bytes, their text and a
// note.
func (c *Code) datum(from, to int) (n int, text, note string) {
	data := c.Data
	if c.Table {
		switch {
		case from < messageOffset && to > messageOffset && len(c.Messages) > 0:
			to = messageOffset
		case from >= messageOffset && from < diskIDOffset && len(c.Messages) > 0:
			for _, m := range c.Messages {
				if m.At == from {
					return 1, fmt.Sprintf("db      %02Xh", data[from]), fmt.Sprintf("message %q", m.Text)
				}
			}
		case from < diskIDOffset:
			to = min(to, diskIDOffset)
		case from == diskIDOffset && to >= from+6:
			return 6, "db      " + hexList(data[from:from+6]), "disk signature"
		case from >= tableOffset && from < tableEnd && (from-tableOffset)%16 == 0 && to >= from+16:
			return 16, "db      " + hexList(data[from:from+16]), fmt.Sprintf("partition %d", (from-tableOffset)/16+1)
		case from == signatureOffset && to >= from+2:
			return 2, "db      " + hexList(data[from:from+2]), "signature"
		}
	}
	if s, ok := stringAt(data[:to], from); ok {
		n = len(s)
		text = "db      " + quoteData(s)
		if from+n < to && data[from+n] == 0 {
			n++
			text += ",0"
		}
		return n, text, ""
	}
	same := 1
	for from+same < to && data[from+same] == data[from] {
		same++
	}
	if same > 8 {
		return same, fmt.Sprintf("db      %d dup (%02Xh)", same, data[from]), ""
	}
	n = 1
	for n < 8 && from+n < to {
		if _, ok := stringAt(data[:to], from+n); ok {
			break
		}
		n++
	}
	return n, "db      " + hexList(data[from:from+n]), ""
}

func hexList(b []byte) string {
	parts := make([]string, len(b))
	for i, x := range b {
		parts[i] = fmt.Sprintf("%02X", x)
	}
	return strings.Join(parts, " ")
}

// quoteData writes a string with its line ends as numbers, as assemblers do.
func quoteData(s string) string {
	var parts []string
	for s != "" {
		i := strings.IndexAny(s, "\r\n")
		switch {
		case i == 0:
			parts = append(parts, fmt.Sprint(s[0]))
			s = s[1:]
		case i < 0:
			parts = append(parts, `"`+s+`"`)
			s = ""
		default:
			parts = append(parts, `"`+s[:i]+`"`)
			s = s[i:]
		}
	}
	return strings.Join(parts, ",")
}
