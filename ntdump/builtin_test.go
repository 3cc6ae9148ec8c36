package ntdump

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/isf"
)

// TestBuiltinFiles makes the shipped descriptions from types/tables.txt anew.
func TestBuiltinFiles(t *testing.T) {
	table, err := os.ReadFile("types/tables.txt")
	if err != nil {
		t.Fatal(err)
	}
	for column := range builtins {
		b := &builtins[column]
		var out bytes.Buffer
		described, err := fromTable(table, column)
		if err != nil {
			t.Fatal(err)
		}
		if err := isf.Write(&out, described); err != nil {
			t.Fatal(err)
		}
		golden.File(t, filepath.Join("types", b.file), out.String())
	}
}

// fromTable makes a description of one column of types/tables.txt.
func fromTable(table []byte, column int) (isf.Types, error) {
	p := tableParser{column: column, ptr: builtins[column].machine.pointerSize(), sizes: map[string]int{}, unions: map[string]bool{}}
	c := isf.Content{Source: builtins[column].name, PointerSize: p.ptr,
		Metadata: isf.Metadata{Machine: uint16(builtins[column].machine)}}
	// Sizes first: members refer to structures that stand further down.
	for pass := range 2 {
		lines := bufio.NewScanner(bytes.NewReader(table))
		there := false
		for n := 1; lines.Scan(); n++ {
			line, _, _ := strings.Cut(lines.Text(), "#")
			f := strings.Fields(line)
			switch {
			case len(f) == 0:
			case line[0] != ' ':
				union := f[1] == "union"
				size := f[len(f)-len(builtins)+column]
				if there = size != "-"; !there {
					continue
				}
				v, err := strconv.ParseUint(size, 16, 31)
				if err != nil {
					return nil, fmt.Errorf("line %d: %w", n, err)
				}
				p.sizes[f[0]], p.unions[f[0]] = int(v), union
				if pass == 1 {
					l := isf.Layout{Name: f[0], Kind: isf.Struct, Size: int(v)}
					if union {
						l.Kind = isf.Union
					}
					c.Layouts = append(c.Layouts, l)
				}
			case pass == 1 && there && f[2+column] != "-":
				off, err := strconv.ParseUint(f[2+column], 16, 31)
				if err != nil {
					return nil, fmt.Errorf("line %d: %w", n, err)
				}
				text := p.choose(f[1])
				ty, err := p.parse(strings.TrimPrefix(text, "!"))
				if err != nil {
					return nil, fmt.Errorf("line %d: %w", n, err)
				}
				l := &c.Layouts[len(c.Layouts)-1]
				l.Fields = append(l.Fields, isf.Field{Name: f[0], Offset: int(off), Type: ty, Anonymous: text[0] == '!'})
			}
		}
	}
	return isf.New(c)
}

// tableParser reads the types of the table for one column.
type tableParser struct {
	column, ptr int
	sizes       map[string]int
	unions      map[string]bool
}

// choose takes the column's part of a|b or a|b|c|d|e.
func (p *tableParser) choose(s string) string {
	parts := strings.Split(s, "|")
	switch len(parts) {
	case 1:
		return s
	case 2:
		return parts[p.ptr/8]
	}
	return parts[p.column]
}

var tableNumbers = map[string]isf.Type{
	"u8":  {Kind: isf.Base, Name: "unsigned char", Size: 1},
	"u16": {Kind: isf.Base, Name: "unsigned short", Size: 2},
	"u32": {Kind: isf.Base, Name: "unsigned long", Size: 4},
	"u64": {Kind: isf.Base, Name: "unsigned long long", Size: 8},
	"i8":  {Kind: isf.Base, Name: "char", Size: 1, Signed: true},
	"i16": {Kind: isf.Base, Name: "short", Size: 2, Signed: true},
	"i32": {Kind: isf.Base, Name: "long", Size: 4, Signed: true},
	"i64": {Kind: isf.Base, Name: "long long", Size: 8, Signed: true},
	"f64": {Kind: isf.Base, Name: "double", Size: 8, Signed: true, Float: true},
}

func (p *tableParser) parse(s string) (*isf.Type, error) {
	if base, rest, ok := strings.Cut(s, "["); ok {
		n, err := strconv.Atoi(strings.TrimSuffix(rest, "]"))
		if err != nil {
			return nil, err
		}
		elem, err := p.parse(base)
		if err != nil {
			return nil, err
		}
		return &isf.Type{Kind: isf.Array, Elem: elem, Count: n, Size: n * elem.Size}, nil
	}
	if base, rest, ok := strings.Cut(s, ":"); ok {
		elem, err := p.parse(base)
		if err != nil {
			return nil, err
		}
		t := &isf.Type{Kind: isf.Bits, Elem: elem, Size: elem.Size}
		_, err = fmt.Sscanf(rest, "%d.%d", &t.BitPosition, &t.BitLength)
		return t, err
	}
	if to, ok := strings.CutPrefix(s, "*"); ok {
		t := &isf.Type{Kind: isf.Pointer, Size: p.ptr}
		if to != "" {
			t.Elem = p.named(to)
		}
		return t, nil
	}
	if s == "uptr" || s == "iptr" {
		s = s[:1] + strconv.Itoa(8*p.ptr)
	}
	if n, ok := tableNumbers[s]; ok {
		return &n, nil
	}
	if strings.HasPrefix(s, "_") {
		return p.named(s), nil
	}
	return nil, fmt.Errorf("type %q is not known", s)
}

func (p *tableParser) named(s string) *isf.Type {
	t := &isf.Type{Kind: isf.Struct, Name: s, Size: p.sizes[s]}
	if p.unions[s] {
		t.Kind = isf.Union
	}
	return t
}

// layoutColumns are the descriptions that testdata/layout.txt speaks of.
var layoutColumns = [][]string{{"xp-x86.json"}, {"2003sp1-x86.json"}, {"2003sp2-x64.json"}}

// TestBuiltinLayout holds the shipped descriptions against the offsets that were
// written down by hand.
func TestBuiltinLayout(t *testing.T) {
	text, err := os.ReadFile("testdata/layout.txt")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for column, files := range layoutColumns {
		for _, file := range files {
			data, err := os.ReadFile(filepath.Join("types", file))
			if err != nil {
				t.Fatal(err)
			}
			types, err := isf.Parse(file, data)
			if err != nil {
				t.Fatal(err)
			}
			for n, line := range strings.Split(string(text), "\n") {
				f := strings.Fields(line)
				if len(f) != 5 || f[0] == "#" || f[2+column] == "-" {
					continue
				}
				checked++
				want, err := strconv.ParseUint(f[2+column], 16, 31)
				if err != nil {
					t.Fatalf("layout.txt:%d: %v", n+1, err)
				}
				l := types.Layout(f[0])
				if l == nil {
					t.Errorf("layout.txt:%d: %s is not in %s", n+1, f[0], file)
					continue
				}
				if f[1] == "size" {
					if l.Size != int(want) {
						t.Errorf("layout.txt:%d: %s in %s has %#x bytes, want %#x", n+1, f[0], file, l.Size, want)
					}
					continue
				}
				field, err := isf.Find(types, l, f[1])
				if err != nil {
					t.Errorf("layout.txt:%d: %s: %v", n+1, file, err)
					continue
				}
				if field.Offset != int(want) {
					t.Errorf("layout.txt:%d: %s.%s in %s stands at %#x, want %#x", n+1, f[0], f[1], file, field.Offset, want)
				}
			}
		}
	}
	if checked < 600 {
		t.Errorf("%d offsets were compared, expected all of them, over 600", checked)
	}
}

// The builds beside the columns of layout.txt, as far as the reference tells.
func TestBuiltinOthers(t *testing.T) {
	for _, c := range []struct {
		file, name, field string
		want              int
	}{
		{"2003-x86.json", "_ETHREAD", "", 0x260},
		{"2003-x86.json", "_KTHREAD", "", 0x1c8},
		{"2003-x86.json", "_EPROCESS", "ActiveProcessLinks", 0x88},
		{"2003-x86.json", "_ETHREAD", "Cid", 0x1f4},
		{"2003sp1-x64.json", "_ETHREAD", "", 0x428},
		{"2003sp1-x64.json", "_KTHREAD", "", 0x320},
		{"2003sp1-x64.json", "_ETHREAD", "Cid", 0x358 + 0x18},
		{"2003sp1-x64.json", "_ETHREAD", "LpcReplyMessageId", 0x3f0 + 0x18},
	} {
		data, err := os.ReadFile(filepath.Join("types", c.file))
		if err != nil {
			t.Fatal(err)
		}
		types, err := isf.Parse(c.file, data)
		if err != nil {
			t.Fatal(err)
		}
		l := types.Layout(c.name)
		if l == nil {
			t.Fatalf("%s has no %s", c.file, c.name)
		}
		got := l.Size
		if c.field != "" {
			got = l.Field(c.field).Offset
		}
		if got != c.want {
			t.Errorf("%s %s %s: %#x, want %#x", c.file, c.name, c.field, got, c.want)
		}
	}
}
