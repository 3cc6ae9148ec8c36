package kd

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdDt = Command{
	Name:  "dt",
	Args:  "[Type [Address]]",
	Short: "Show a structure: its members, their offsets and types, or their values at an address.",
	Long: `Type may have a module in front (nt!_ETHREAD). A pattern with * lists the structures whose names
match; nothing lists all. The description is the one that belongs to the address: each process of ours
brings its own.`,
}

func init() { cmdDt.Run = runDt }

func runDt(_ context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 2, "dt [Type [Address]]"); err != nil {
		return err
	}
	var addr uint64
	var err error
	if len(args) == 2 {
		if addr, err = s.address(args[1]); err != nil {
			return err
		}
	} else if sys := s.Target.System(); sys != nil {
		for p := range sys.Processes() {
			if p.Err == nil && s.Target.Types(p.Addr) != nil {
				addr = p.Addr
				break
			}
		}
	}
	t := s.Target.Types(addr)
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	if module, inner, named := strings.Cut(name, "!"); named {
		name = inner
		if t, err = s.moduleTypes(module, t); err != nil {
			return fmt.Errorf("dt: %w", err)
		}
	}
	if t == nil {
		return fmt.Errorf("dt: there is no type description for this target")
	}
	if name == "" || strings.Contains(name, "*") {
		for _, n := range t.Names() {
			if name == "" || match(strings.ToLower(name), strings.ToLower(n)) {
				o.Printf("%s\n", escape.Text(n))
			}
		}
		return nil
	}
	l := t.Layout(name)
	if l == nil {
		return fmt.Errorf("dt: %s does not describe %s; dt alone lists what it does", escape.Text(t.Source()), escape.Text(name))
	}
	if len(args) < 2 {
		return isf.List(o.w, t, l, isf.ListOptions{Indent: "   "})
	}
	return s.values(o, t, l, addr)
}

// moduleTypes is the description of the module that a name has in front: own, but for
// a module of a Windows dump that is not the kernel.
func (s *Session) moduleTypes(module string, own isf.Types) (isf.Types, error) {
	w := s.windows()
	if w == nil || strings.EqualFold(module, "nt") {
		return own, nil
	}
	im := s.images(w.Dump())
	m := im.find(module)
	if m == nil {
		return nil, fmt.Errorf("no module %s is loaded; lm lists them", escape.Text(module))
	}
	if isKernel(m) {
		return own, nil
	}
	t, why := im.symbols(m)
	if t == nil {
		return nil, fmt.Errorf("there are no types for %s: %s", im.name(m), escape.Text(why))
	}
	return t, nil
}

// match compares a name with a pattern in which * stands for anything.
func match(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return name == pattern
	}
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(name, p)
		if i < 0 {
			return false
		}
		name = name[i+len(p):]
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}

// maxStruct bounds the bytes of a structure that dt reads.
const maxStruct = 1 << 20

// values prints a structure's members with what stands in them.
func (s *Session) values(o *Out, t isf.Types, l *isf.Layout, addr uint64) error {
	if l.Size <= 0 || l.Size > maxStruct {
		return fmt.Errorf("dt: %s has %d bytes, expected 1 to %d", escape.Text(l.Name), l.Size, maxStruct)
	}
	b := make([]byte, l.Size)
	n, whole, err := target.ReadRecord(s.Target, addr, b)
	if n == 0 && err != nil {
		return fmt.Errorf("dt: %w", err)
	}
	width := 16
	for _, f := range l.Fields {
		width = max(width, min(len(f.Name), 32))
	}
	for _, f := range l.Fields {
		var v []byte
		if f.Offset >= 0 && f.Type.Size > 0 && f.Offset+f.Type.Size <= n {
			v = b[f.Offset : f.Offset+f.Type.Size]
		}
		o.Printf("   +0x%03x %-*s : %s\n", f.Offset, width, escape.Text(f.Name), s.valueText(t, f.Type, v))
	}
	if n < len(b) {
		o.Printf("   Not readable from %s on: %s\n", s.ptr(addr+uint64(n)), escape.Text(err.Error()))
	}
	if !whole {
		o.Printf("   The record changed while it was read\n")
	}
	return nil
}

// maxElements of an array are shown.
const maxElements = 8

// valueText is a value as dt writes it; b is nil where it is absent.
func (s *Session) valueText(t isf.Types, typ *isf.Type, b []byte) string {
	switch typ.Kind {
	case isf.Struct, isf.Union:
		return isf.TypeText(typ)
	case isf.Func:
		return isf.TypeText(typ)
	case isf.Array:
		return s.arrayText(t, typ, b)
	}
	v, ok := little(b)
	if !ok {
		return "??"
	}
	switch typ.Kind {
	case isf.Pointer:
		if v == 0 {
			return "(null)"
		}
		if typ.Elem == nil || typ.Elem.Kind == isf.Base && typ.Elem.Size == 0 {
			return "0x" + s.long(v) + " Void"
		}
		return "0x" + s.long(v) + " " + isf.TypeText(typ.Elem)
	case isf.Enum:
		name := t.Enum(typ.Name, signed(v, typ.Size))
		return fmt.Sprintf("%d ( %s )", signed(v, typ.Size), escape.Text(name))
	case isf.Bits:
		if typ.BitPosition >= 0 && typ.BitPosition < 64 && typ.BitLength > 0 && typ.BitLength < 64 {
			v = v >> uint(typ.BitPosition) & (1<<uint(typ.BitLength) - 1)
		}
		return fmt.Sprintf("0y%b", v)
	}
	if typ.Name == "pool address" && v != 0 {
		return "0x" + s.long(v)
	}
	return baseValue(typ, v)
}

func baseValue(typ *isf.Type, v uint64) string {
	switch {
	case typ.Name == "pool address" && v == 0:
		return "(null)"
	case typ.Size == 1:
		return fmt.Sprintf("0x%x %s", v, charText(byte(v)))
	case typ.Signed:
		return fmt.Sprintf("%d", signed(v, typ.Size))
	}
	return fmt.Sprintf("0x%x", v)
}

func charText(c byte) string {
	if c < ' ' || c > '~' {
		return "''"
	}
	return "'" + string(rune(c)) + "'"
}

// arrayText is text where the elements are characters, else the first elements.
func (s *Session) arrayText(t isf.Types, typ *isf.Type, b []byte) string {
	head := isf.TypeText(typ)
	e := typ.Elem
	if e == nil || b == nil || e.Size <= 0 || e.Kind == isf.Struct || e.Kind == isf.Union {
		return head
	}
	if e.Kind == isf.Base && e.Size == 1 {
		text, _, _ := strings.Cut(string(b), "\x00")
		return fmt.Sprintf("%s \"%s\"", head, escape.Text(text))
	}
	for i := 0; i < min(typ.Count, maxElements) && (i+1)*e.Size <= len(b); i++ {
		head += " " + s.valueText(t, e, b[i*e.Size:(i+1)*e.Size])
	}
	if typ.Count > maxElements {
		head += " ..."
	}
	return head
}

func little(b []byte) (uint64, bool) {
	switch len(b) {
	case 1, 2, 4, 8:
		var w [8]byte
		copy(w[:], b)
		return binary.LittleEndian.Uint64(w[:]), true
	}
	return 0, false
}

func signed(v uint64, size int) int64 {
	shift := uint(64 - 8*size)
	if size <= 0 || size > 8 {
		return int64(v)
	}
	return int64(v<<shift) >> shift
}
