package isf

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/wire"
)

// xp is a hand-written description of XP's x86 structures.
func xp(t testing.TB) Types {
	t.Helper()
	types, err := Open("testdata/xp.json")
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func listing(t *testing.T, types Types, name string, o ListOptions) string {
	t.Helper()
	l := types.Layout(name)
	if l == nil {
		t.Fatalf("%s is not described", name)
	}
	var b strings.Builder
	if err := List(&b, types, l, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The listing that seed.md asks for to the letter.
func TestListPortObject(t *testing.T) {
	golden.Text(t, "port_object.txt", listing(t, xp(t), "_LPCP_PORT_OBJECT", ListOptions{}))
}

func TestListOtherKinds(t *testing.T) {
	types := xp(t)
	golden.Text(t, "kinds.txt", listing(t, types, "_KINDS", ListOptions{})+
		listing(t, types, "_MMPTE_HARDWARE", ListOptions{Indent: "   ", Width: 16})+
		listing(t, types, "_LPCP_MESSAGE", ListOptions{Indent: "   ", Width: 16, Depth: 9}))
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"Flags": "Flags", "a\x1b[31mb": `a\x1b[31mb`, "\u009b": `\u009b`, "a\xffb": `a\xffb`, "quote\"": `quote"`, "quo\"\n": `quo"\n`,
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestLookUps(t *testing.T) {
	types := xp(t)
	if types.PointerSize() != 4 || types.Source() != "testdata/xp.json" {
		t.Errorf("pointer of %d bytes, source %q", types.PointerSize(), types.Source())
	}
	for _, name := range []string{"_LIST_ENTRY", "LIST_ENTRY"} {
		if l := types.Layout(name); l == nil || l.Size != 8 || l.Kind != Struct {
			t.Errorf("%s: %+v", name, l)
		}
	}
	if types.Layout("_ETHREAD") != nil || types.Layout("") != nil {
		t.Error("a structure that is not described was found")
	}
	if n := types.Names(); len(n) != 19 || n[0] != "_CLIENT_ID" {
		t.Errorf("names: %q", n)
	}
	for value, want := range map[int64]string{2: "SecurityImpersonation", -1: "SecurityNone", 9: ""} {
		if got := types.Enum("SECURITY_IMPERSONATION_LEVEL", value); got != want {
			t.Errorf("value %d: %q, want %q", value, got, want)
		}
	}
	if types.Enum("_NONE", 0) != "" {
		t.Error("an enumeration that is not described has a value")
	}
	for _, name := range []string{"KeTickCount", "_KeTickCount"} {
		if rva, ok := types.Symbol(name); rva != 0x8a00 || !ok {
			t.Errorf("%s: %#x, %v", name, rva, ok)
		}
	}
	if _, ok := types.Symbol("KiSwap"); ok {
		t.Error("KiSwap was found")
	}
	m, ok := MetadataOf(types)
	if want := (Metadata{"6.2.0", "by hand", "1.0.0", "ntoskrnl.pdb", "0123456789ABCDEF0123456789ABCDEF", 1, 0x14c}); !ok || m != want {
		t.Errorf("metadata %+v, %v", m, ok)
	}
}

func TestNearest(t *testing.T) {
	types, err := New(Content{Source: "test", PointerSize: 4, Symbols: []Symbol{
		{Name: "late", RVA: 0x3000}, {Name: "first", RVA: 0x1000, Size: 0x100}, {Name: "label", RVA: 0x1040},
		{Name: "second", RVA: 0x1200, Size: 0x10}, {Name: "alias", RVA: 0x1200}, {Name: "first", RVA: 0x2000},
		{Name: "top", RVA: 0xffffffffffffff00, Size: 0x1000},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rva      uint64
		name     string
		distance uint64
		ranges   bool
		ok       bool
	}{
		{0, "", 0, false, false},
		{0xfff, "", 0, false, false},
		{0x1000, "first", 0, true, true},
		{0x103f, "first", 0x3f, true, true},
		{0x1041, "first", 0x41, true, true}, // not the label within it
		{0x10ff, "first", 0xff, true, true},
		{0x1100, "label", 0xc0, false, true}, // behind its end: the nearest name only
		{0x1200, "second", 0, true, true},
		{0x1210, "second", 0x10, false, true},
		{0x2fff, "first", 0xfff, false, true},
		{0x3001, "late", 1, false, true},
		{0xffffffffffffffff, "top", 0xff, true, true},
	} {
		name, distance, ranges, ok := types.Nearest(c.rva)
		if name != c.name || distance != c.distance || ranges != c.ranges || ok != c.ok {
			t.Errorf("%#x: %q+%#x, ranges %v, %v", c.rva, name, distance, ranges, ok)
		}
	}
	if rva, _ := types.Symbol("first"); rva != 0x1000 {
		t.Errorf("first stands at %#x, want the one described first", rva)
	}
}

func TestFind(t *testing.T) {
	types := xp(t)
	for _, c := range []struct {
		layout, path string
		offset       int
		text         string // the type, or the error
	}{
		{"_LPCP_MESSAGE", "Request", 24, "_PORT_MESSAGE"},
		{"_LPCP_MESSAGE", "Request.u1", 24, "__unnamed_1"},
		{"_LPCP_MESSAGE", "Request.u1.s1.TotalLength", 26, "Int2B"},
		{"_LPCP_MESSAGE", "Request.ClientId.UniqueThread", 36, "Ptr32 Void"},
		{"_LPCP_MESSAGE", "Request.CallbackId", 44, "Uint4B"}, // through an anonymous member
		{"_LPCP_MESSAGE", "Request.ViewInfo.CallbackId", 44, "Uint4B"},
		{"_LPCP_PORT_OBJECT", "WaitEvent.Header.WaitListHead.Blink", 0xa0, "Ptr32 _LIST_ENTRY"},
		{"_KINDS", "Grid", 0x20, "[2] [3] Uint2B"},
		{"_KINDS", "Grid[1]", 0x26, "[3] Uint2B"},
		{"_KINDS", "Grid[1][2]", 0x2a, "Uint2B"},
		{"_KINDS", "Name[20]", 0x18, "UChar"}, // the count is no bound
		{"_KINDS", "Heads[1].Blink", 0x5c, "Ptr32 _LIST_ENTRY"},
		{"_LPCP_MESSAGE", "Request.Length", 0, `finding Request.Length in _LPCP_MESSAGE: _PORT_MESSAGE has no member "Length"`},
		{"_LPCP_MESSAGE", "", 0, `finding  in _LPCP_MESSAGE: _LPCP_MESSAGE has no member ""`},
		{"_LPCP_MESSAGE", "Request..u1", 0, `finding Request..u1 in _LPCP_MESSAGE: _PORT_MESSAGE has no member ""`},
		{"_LPCP_MESSAGE", "SenderPort.Flags", 0, "finding SenderPort.Flags in _LPCP_MESSAGE: SenderPort is a pointer, which a path cannot pass"},
		{"_LPCP_MESSAGE", "Request.MessageId.x", 0, "finding Request.MessageId.x in _LPCP_MESSAGE: Request.MessageId is no structure"},
		{"_KINDS", "Level[0]", 0, `finding Level[0] in _KINDS: "[0]" is given to what is no array`},
		{"_KINDS", "Grid[1", 0, `finding Grid[1 in _KINDS: "[1" is no subscript, expected a number in brackets`},
		{"_KINDS", "Grid[x]", 0, `finding Grid[x] in _KINDS: "[x]" is no subscript, expected a number in brackets`},
		{"_KINDS", "Grid[1]2", 0, `finding Grid[1]2 in _KINDS: "2" is no subscript, expected a number in brackets`},
		{"_KINDS", "Grid[-1]", 0, "finding Grid[-1] in _KINDS: subscript -1 is out of range"},
		{"_KINDS", "Grid[1000000000]", 0, "finding Grid[1000000000] in _KINDS: subscript 1000000000 is out of range"},
	} {
		f, err := Find(types, types.Layout(c.layout), c.path)
		if err != nil {
			if err.Error() != c.text {
				t.Errorf("%s.%s: %v\nwant %s", c.layout, c.path, err, c.text)
			}
			continue
		}
		if f.Offset != c.offset || TypeText(f.Type) != c.text || f.Name != c.path {
			t.Errorf("%s.%s: %+v %s", c.layout, c.path, f, TypeText(f.Type))
		}
	}
	if _, err := Find(types, nil, "x"); err == nil {
		t.Error("a path in no structure was found")
	}
}

// A hostile description can nest anonymous members so that a walk which visits
// each path would take years.
func TestFindVisitsEachStructureOnce(t *testing.T) {
	c := Content{Source: "test", PointerSize: 8}
	for i := range 64 {
		name := func(i int) string { return "s" + string(rune('A'+i)) }
		l := Layout{Name: name(i), Kind: Struct, Size: 8}
		if i < 63 {
			inner := &Type{Kind: Struct, Name: name(i + 1), Size: 8}
			l.Fields = []Field{{Name: "a", Type: inner, Anonymous: true}, {Name: "b", Type: inner, Anonymous: true}}
		}
		c.Layouts = append(c.Layouts, l)
	}
	types, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Find(types, types.Layout("sA"), "none"); err == nil {
		t.Error("a member that is not there was found")
	}
	if err := List(&bytes.Buffer{}, types, types.Layout("sA"), ListOptions{Depth: 100}); err == nil {
		t.Error("a listing without end had one")
	}
}

// Our own pools carry a description; the one reader reads it.
func TestPoolDescription(t *testing.T) {
	types, err := Parse("pool", pool.TypeDescription())
	if err != nil {
		t.Fatal(err)
	}
	m := types.Layout("_LPCP_MESSAGE")
	f, err := Find(types, m, "Request.MessageId")
	if err != nil {
		t.Fatal(err)
	}
	message, header := reflect.TypeFor[pool.Message](), reflect.TypeFor[wire.PortMessage]()
	request, _ := message.FieldByName("Request")
	id, _ := header.FieldByName("MessageID")
	want := request.Offset + id.Offset
	if f.Offset != int(want) || TypeText(f.Type) != "Uint4B" || m.Size != int(message.Size()) {
		t.Errorf("%+v, want offset %d", f, want)
	}
	text := listing(t, types, "_LPCP_PORT_OBJECT", ListOptions{})
	if !strings.Contains(text, "LpcReplyChainHead") || strings.Contains(text, "Function") {
		t.Error(text)
	}
}

// What Write saves, Parse reads back as the same description.
func TestWriteRoundTrip(t *testing.T) {
	for _, types := range []Types{xp(t), must(t, "pool", pool.TypeDescription())} {
		var first, second bytes.Buffer
		if err := Write(&first, types); err != nil {
			t.Fatal(err)
		}
		again := must(t, types.Source(), first.Bytes())
		if err := Write(&second, again); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("%s: written a second time it differs", types.Source())
		}
		for _, name := range types.Names() {
			o := ListOptions{Depth: 3}
			if a, b := listing(t, types, name, o), listing(t, again, name, o); a != b {
				t.Errorf("%s: got\n%s\nwant\n%s", name, b, a)
			}
		}
		for _, s := range types.(Described).Content().Symbols {
			if rva, ok := again.Symbol(s.Name); rva != s.RVA || !ok {
				t.Errorf("%s stands at %#x, %v; want %#x", s.Name, rva, ok, s.RVA)
			}
		}
	}
}

func must(t testing.TB, source string, data []byte) Types {
	t.Helper()
	types, err := Parse(source, data)
	if err != nil {
		t.Fatal(err)
	}
	return types
}
