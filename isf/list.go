package isf

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
)

// ListOptions say how List prints. The zero value prints the lines as seed.md has
// them: no indent, the structure alone.
type ListOptions struct {
	Indent string // stands before every line; WinDbg itself indents by three blanks
	Depth  int    // levels of structures within the structure that are opened, as by dt -r
	Width  int    // least width of the column of names; 0 means 20
}

// List prints a structure as the debugger's dt does: offset in hexadecimal, name,
// type. Members stand in the order of Layout.Fields. It prints at most 131,072
// lines, however the structures are nested.
func List(w io.Writer, t Types, l *Layout, o ListOptions) error {
	if o.Width == 0 {
		o.Width = 20 // where the listing in the seed has its colon
	}
	p := lister{w: w, t: t, o: o}
	p.list(l, o.Indent, o.Depth)
	return p.err
}

const maxLines = 1 << 17

type lister struct {
	w     io.Writer
	t     Types
	o     ListOptions
	lines int
	err   error
}

func (p *lister) list(l *Layout, indent string, depth int) {
	for _, f := range l.Fields {
		if p.lines++; p.lines > maxLines && p.err == nil {
			p.err = fmt.Errorf("listing %s: it has more than %d lines", l.Name, maxLines)
		}
		if p.err != nil {
			return
		}
		_, p.err = fmt.Fprintf(p.w, "%s+0x%03x %-*s : %s\n", indent, f.Offset, p.o.Width, Printable(f.Name), TypeText(f.Type))
		if depth > 0 && (f.Type.Kind == Struct || f.Type.Kind == Union) {
			if inner := p.t.Layout(f.Type.Name); inner != nil {
				p.list(inner, indent+"   ", depth-1)
			}
		}
	}
}

// TypeText names a type as dt does: "Uint4B", "Ptr32 _ETHREAD", "[16] UChar",
// "Pos 0, 1 Bit".
func TypeText(t *Type) string {
	var b strings.Builder
	for depth := 0; depth <= maxDepth; depth++ {
		switch t.Kind {
		case Base:
			return b.String() + baseText(t)
		case Pointer:
			b.WriteString("Ptr" + strconv.Itoa(8*t.Size) + " ")
			if t.Elem == nil {
				return b.String() + "Void"
			}
			t = t.Elem
		case Array:
			b.WriteString("[" + strconv.Itoa(t.Count) + "] ")
			t = t.Elem
		case Bits:
			unit := "Bits"
			if t.BitLength == 1 {
				unit = "Bit"
			}
			return b.String() + fmt.Sprintf("Pos %d, %d %s", t.BitPosition, t.BitLength, unit)
		case Func:
			// dt writes what a function returns in C's words, after four more
			// blanks and before one: "Ptr32     void ".
			if t.Elem == nil {
				return b.String() + "Function"
			}
			if t.Elem.Kind == Base {
				return b.String() + "    " + Printable(t.Elem.Name) + " "
			}
			return b.String() + "    " + TypeText(t.Elem) + " "
		default:
			return b.String() + Printable(t.Name)
		}
	}
	return b.String() + "..."
}

// baseText is dt's name of a number.
func baseText(t *Type) string {
	switch {
	case t.Size == 0:
		return "Void"
	case t.Float && t.Size == 4:
		return "Float"
	case t.Float && t.Size == 8:
		return "Double"
	case t.Float:
		return fmt.Sprintf("Float%dB", t.Size)
	case strings.Contains(t.Name, "bool"):
		return "Bool"
	case t.Size == 2 && strings.HasPrefix(t.Name, "wchar"):
		return "Wchar"
	case t.Name == "HRESULT":
		return "HRESULT"
	case t.Size == 1 && t.Signed, t.Name == "char":
		return "Char"
	case t.Size == 1:
		return "UChar"
	case t.Signed:
		return fmt.Sprintf("Int%dB", t.Size)
	}
	return fmt.Sprintf("Uint%dB", t.Size)
}

// Printable replaces what would act on a terminal: names come from files that
// others made. A control character or a byte that is no UTF-8 becomes \x1b or
// \u009b.
func Printable(name string) string {
	clean := true
	for _, r := range name {
		clean = clean && unicode.IsPrint(r) && r != unicode.ReplacementChar
	}
	if clean {
		return name
	}
	q := strconv.QuoteToGraphic(name)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}
