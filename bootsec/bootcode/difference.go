package bootcode

import (
	"fmt"
	"io"
	"strings"
)

// Difference is a run of bytes in which two sectors differ.
type Difference struct {
	Offset int    // of the first byte
	Here   []byte // in the code that was analysed
	There  []byte // in the other
}

// Compare returns the runs in which the code differs from other, as far as both
// go. Runs that are less than three bytes apart are one.
func (c *Code) Compare(other []byte) []Difference {
	var out []Difference
	data := c.Data[:c.given]
	n := min(len(data), len(other))
	for i := 0; i < n; i++ {
		if data[i] == other[i] {
			continue
		}
		end := i + 1
		for j := end; j < n && j < end+3; j++ {
			if data[j] != other[j] {
				end = j + 1
			}
		}
		out = append(out, Difference{Offset: i, Here: data[i:end], There: other[i:end]})
		i = end
	}
	return out
}

// WriteDifferences prints where the code differs from other, which is called
// name: the bytes of both in rows, and the instructions that they belong to.
func (c *Code) WriteDifferences(w io.Writer, other []byte, name string) error {
	var b strings.Builder
	list := c.Compare(other)
	total := 0
	for _, d := range list {
		for i := range d.Here {
			if d.Here[i] != d.There[i] {
				total++
			}
		}
	}
	if len(list) == 0 {
		fmt.Fprintf(&b, "No byte differs from %s.\n", name)
	} else {
		verb := "differ"
		if total == 1 {
			verb = "differs"
		}
		fmt.Fprintf(&b, "%s in %s %s from %s:\n", count(total, "byte"), count(len(list), "place"), verb, name)
	}
	for _, d := range list {
		for i := 0; i < len(d.Here); i += 8 {
			row := func(x []byte) string { return fmt.Sprintf("% x", x[min(i, len(x)):min(i+8, len(x))]) }
			fmt.Fprintf(&b, "%03x  %-23s | %s\n", d.Offset+i, row(d.Here), row(d.There))
		}
		for _, n := range c.Nodes {
			if n.Offset < d.Offset+len(d.Here) && n.Offset+n.Inst.Len() > d.Offset {
				fmt.Fprintf(&b, "     in %04x:%04x %s\n", n.Seg, n.Off, n.Inst)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// count is a number of things in words.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
