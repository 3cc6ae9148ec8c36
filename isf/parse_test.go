package isf

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// describe puts parts into an otherwise sound description.
func describe(user, enums, symbols string) string {
	return `{"metadata":{"format":"6.2.0"},"base_types":{
"pointer":{"size":8,"signed":false,"kind":"int","endian":"little"},
"int":{"size":4,"signed":true,"kind":"int","endian":"little"},
"void":{"size":0,"signed":false,"kind":"void","endian":"little"}},
"user_types":{` + user + `},"enums":{` + enums + `},"symbols":{` + symbols + `}}`
}

// field is a structure A of 8 bytes with one member of that type.
func withField(desc string) string {
	return describe(`"A":{"kind":"struct","size":8,"fields":{"f":{"offset":0,"type":`+desc+`}}}`, "", "")
}

func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat(`{"kind":"pointer","subtype":`, 40) + `{"kind":"base","name":"void"}` + strings.Repeat("}", 40)
	for _, c := range []struct{ text, want string }{
		{"", "the JSON ends before it is complete, after 0 bytes"},
		{`{"metadata":`, "the JSON ends before it is complete, after 12 bytes"},
		{"MZ", "invalid character 'M' looking for beginning of value"},
		{"{}", "it has no metadata, so it is no ISF file"},
		{"[]", "json: cannot unmarshal array into Go value of type isf.file"},
		{describe("", "", "") + " x", "something follows the JSON object"},
		{`{"metadata":{"format":"7.0.0"}}`, `its format is "7.0.0", expected 2 to 6`},
		{`{"metadata":{}}`, `its format is "", expected 2 to 6`},
		{`{"metadata":{"format":"6.2.0"}}`, `neither base_types has a "pointer" nor metadata a machine type that tells the size of one`},
		{`{"metadata":{"format":"6.2.0"},"base_types":{"pointer":{"kind":"int","size":2}}}`, "a pointer has 2 bytes, expected 4 or 8"},
		{`{"metadata":{"format":"6.2.0"},"base_types":{"pointer":{"kind":"int"}}}`, "base type pointer has no size from 0 to 64 bytes"},
		{`{"metadata":{"format":"6.2.0"},"base_types":{"x":{"kind":"int","size":65}}}`, "base type x has no size from 0 to 64 bytes"},
		{`{"metadata":{"format":"6.2.0"},"base_types":{"x":{"kind":"complex","size":8}}}`, `base type x is of kind "complex", expected void, int, float, char or bool`},
		{`{"metadata":{"format":"6.2.0"},"base_types":{"x":{"kind":"int","size":2,"endian":"big"}}}`, "base type x is big-endian, which is not read"},
		{`{"metadata":{"format":"6.2.0"},"base_types":[]}`, `"[]" stands where an object is expected`},
		{describe(`"A":{"kind":"record","size":8,"fields":{}}`, "", ""), `A is of kind "record", expected struct, union or class`},
		{describe(`"A":{"kind":"struct","fields":{}}`, "", ""), "A has no size"},
		{describe(`"A":{"kind":"struct","size":-1,"fields":{}}`, "", ""), "A has -1 bytes, expected at most 1073741824"},
		{describe(`"A":{"kind":"struct","size":1073741825,"fields":{}}`, "", ""), "A has 1073741825 bytes, expected at most 1073741824"},
		{describe(`"":{"kind":"struct","size":1,"fields":{}}`, "", ""), "a structure has no name"},
		{describe(`"A":{"kind":"struct","size":1,"fields":{}},"A":{"kind":"struct","size":1,"fields":{}}`, "", ""), `"A" is described twice`},
		{describe(`"A":{"kind":"struct","size":1,"fields":{"f":{"type":{"kind":"base","name":"int"}}}}`, "", ""), "A.f has no offset"},
		{describe(`"A":{"kind":"struct","size":1,"fields":{"f":{"offset":-1,"type":{"kind":"base","name":"int"}}}}`, "", ""), "A.f stands at -1, expected an offset of at most 1073741824"},
		{describe(`"A":{"kind":"struct","size":1,"fields":{"f":{"offset":0}}}`, "", ""), "A.f: no type is given"},
		{withField(`{"kind":"base","name":"string"}`), `A.f: base type "string" is not described`},
		{withField(`{"kind":"tuple"}`), `A.f: its type is of kind "tuple", expected base, pointer`},
		{withField(`{"kind":"struct"}`), "A.f: its type has no name"},
		{withField(`{"kind":"pointer"}`), "A.f: no type is given"},
		{withField(`{"kind":"pointer","base":"far","subtype":{"kind":"base","name":"void"}}`), `A.f: a pointer is made of "far", which is not described`},
		{withField(`{"kind":"pointer","base":"void","subtype":{"kind":"base","name":"int"}}`), "A.f: a pointer has no size"},
		{withField(`{"kind":"array","subtype":{"kind":"base","name":"int"}}`), "A.f: an array has no count"},
		{withField(`{"kind":"array","count":-1,"subtype":{"kind":"base","name":"int"}}`), "A.f: an array of -1 elements of 4 bytes is larger than 1073741824 bytes"},
		{withField(`{"kind":"array","count":268435457,"subtype":{"kind":"base","name":"int"}}`), "A.f: an array of 268435457 elements of 4 bytes is larger"},
		{withField(`{"kind":"array","count":9223372036854775807,"subtype":{"kind":"base","name":"int"}}`), "A.f: an array of 9223372036854775807 elements"},
		{withField(`{"kind":"bitfield","bit_position":0,"type":{"kind":"base","name":"int"}}`), "A.f: a bit field has no bit_position or no bit_length"},
		{withField(`{"kind":"bitfield","bit_position":1,"bit_length":32,"type":{"kind":"base","name":"int"}}`), "A.f: 32 bits from bit 1 on do not fit in 4 bytes"},
		{withField(`{"kind":"bitfield","bit_position":0,"bit_length":0,"type":{"kind":"base","name":"int"}}`), "A.f: 0 bits from bit 0 on do not fit in 4 bytes"},
		{withField(deep), "A.f: its type is nested deeper than 32 levels"},
		{withField(`{"kind":"struct","name":"A"}`), "A contains itself through member 0 of A"},
		{withField(`{"kind":"array","count":2,"subtype":{"kind":"struct","name":"A"}}`), "A contains itself through member 0 of A"},
		{describe(`"A":{"kind":"struct","size":8,"fields":{"b":{"offset":0,"type":{"kind":"union","name":"B"}}}},
"B":{"kind":"union","size":8,"fields":{"c":{"offset":0,"type":{"kind":"struct","name":"C"}}}},
"C":{"kind":"struct","size":8,"fields":{"a":{"offset":0,"type":{"kind":"struct","name":"A"}}}}`, "", ""), "A contains itself through member 0 of C"},
		{describe("", `"E":{"size":4,"base":"long","constants":{}}`, ""), `enumeration E is made of "long", which is not described`},
		{describe("", `"E":{"base":"int","constants":{}}`, ""), "enumeration E has no size"},
		{describe("", `"E":{"size":4,"base":"int","constants":{"a":1.5}}`, ""), "1.5 is no whole number of 64 bits"},
		{describe("", `"E":{"size":4,"base":"int","constants":{"a":1,"a":2}}`, ""), `"a" is described twice`},
		{describe(`"E":{"kind":"struct","size":1,"fields":{}}`, `"E":{"size":4,"base":"int","constants":{}}`, ""), "E is both a structure and an enumeration"},
		{describe("", "", `"s":{}`), "symbol s has no address"},
		{describe("", "", `"s":{"address":18446744073709551616}`), "18446744073709551616 is no whole number of 64 bits"},
	} {
		types, err := Parse("in.json", []byte(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), "in.json: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.120s:\ngot  %v, %v\nwant in.json: %s", c.text, types, err, c.want)
		}
	}
}

// What looks odd and stands in real files.
func TestParseAccepts(t *testing.T) {
	types := must(t, "odd.json", []byte(describe(`
"A":{"kind":"class","size":4,"fields":{
 "behind":{"offset":64,"type":{"kind":"base","name":"int"}},
 "next":{"offset":8,"type":{"kind":"pointer","subtype":{"kind":"struct","name":"A"}}},
 "other":{"offset":16,"type":{"kind":"struct","name":"nt_symbols!_LIST_ENTRY"}},
 "open":{"offset":32,"type":{"kind":"array","count":0,"subtype":{"kind":"base","name":"int"}}}}}`,
		`"E":{"size":4,"base":"int","constants":{"big":18446744073709551615,"low":-2,"again":-2}}`,
		`"init":{"address":18446744071578845184,"type":{"kind":"base","name":"void"},"constant_data":"AA=="},"minus":{"address":-1}`)))
	want := `+0x008 next                 : Ptr64 A
+0x010 other                : nt_symbols!_LIST_ENTRY
+0x020 open                 : [0] Int4B
+0x040 behind               : Int4B
`
	if got := listing(t, types, "A", ListOptions{}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if types.Enum("E", -1) != "big" || types.Enum("E", -2) != "low" {
		t.Errorf("%q, %q", types.Enum("E", -1), types.Enum("E", -2))
	}
	if rva, _ := types.Symbol("init"); rva != 0xffffffff81000000 {
		t.Errorf("init stands at %#x", rva)
	}
	if rva, _ := types.Symbol("minus"); rva != 0xffffffffffffffff {
		t.Errorf("minus stands at %#x", rva)
	}
	bare := `{"metadata":{"format":"4.1.0","windows":{"pdb":{"GUID":"{01234567-89ab-cdef-0123-456789abcdef}","age":2,"database":"x.pdb","machine_type":34404}}}}`
	types = must(t, "bare.json", []byte(bare))
	plain := must(t, "void.json", []byte(`{"metadata":{"format":"6.0.0"},"base_types":{"pointer":{"size":4,"kind":"int"}},"user_types":{`+
		`"A":{"kind":"struct","size":4,"fields":{"p":{"offset":0,"type":{"kind":"pointer","subtype":{"kind":"base","name":"void"}}}}}}}`))
	if got, want := listing(t, plain, "A", ListOptions{}), "+0x000 p                    : Ptr32 Void\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if m, _ := MetadataOf(types); types.PointerSize() != 8 || m.GUID != "0123456789ABCDEF0123456789ABCDEF" || m.Age != 2 {
		t.Errorf("pointer of %d bytes, %+v", types.PointerSize(), m)
	}
}

// Every prefix of a description is refused with a sentence.
func TestParseTruncated(t *testing.T) {
	data := []byte(describe(`"A":{"kind":"struct","size":8,"fields":{"f":{"offset":0,"type":`+
		`{"kind":"bitfield","bit_position":3,"bit_length":2,"type":{"kind":"base","name":"int"}}}}}`,
		`"E":{"size":4,"base":"int","constants":{"a":-1}}`, `"s":{"address":4096}`))
	must(t, "whole", data)
	for n := range data {
		if _, err := Parse("xp.json", data[:n]); err == nil {
			t.Fatalf("the first %d of %d bytes were taken for all", n, len(data))
		}
	}
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/xp.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(withField(`{"kind":"bitfield","bit_position":3,"bit_length":2,"type":{"kind":"base","name":"int"}}`)))
	f.Add([]byte(describe("", `"E":{"size":4,"base":"int","constants":{"a":-1}}`, `"s":{"address":4096}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		types, err := Parse("fuzz", data)
		if err != nil {
			return
		}
		var b bytes.Buffer
		for _, name := range types.Names() {
			l := types.Layout(name)
			if err := List(&b, types, l, ListOptions{Depth: 2}); err != nil {
				t.Fatal(err)
			}
			for _, fl := range l.Fields {
				if fl.Name != "" && !strings.ContainsAny(fl.Name, ".[") {
					if got, err := Find(types, l, fl.Name); err != nil || got.Offset < 0 {
						t.Fatalf("%s.%s: %+v, %v", name, fl.Name, got, err)
					}
				}
			}
		}
		types.Nearest(1 << 40)
		b.Reset()
		if err := Write(&b, types); err != nil {
			if strings.Contains(err.Error(), "two base types") {
				return // a pointer of an odd size that bears a base type's name
			}
			t.Fatal(err)
		}
		again, err := Parse("again", b.Bytes())
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, b.Bytes())
		}
		if fmt.Sprint(again.Names()) != fmt.Sprint(types.Names()) {
			t.Fatalf("%q, want %q", again.Names(), types.Names())
		}
	})
}
