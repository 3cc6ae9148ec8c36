package dumptest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ISF is an ISF JSON of the machine's kernel: the structures of types, an ISF of the
// build (nil for none), those named in addition as this package lays them down, and
// the globals that exist by now, with their addresses relative to the image's base. It
// is what a user would bring as a symbol file.
func (m *Machine) ISF(types []byte, structures ...string) []byte {
	file := map[string]any{"metadata": map[string]any{"format": "6.2.0", "producer": map[string]any{"name": "dumptest", "version": "1.0"}}, "enums": map[string]any{}}
	if types != nil {
		if err := json.Unmarshal(types, &file); err != nil {
			panic(fmt.Sprintf("dumptest: the types are no JSON: %v", err))
		}
	}
	section := func(name string) map[string]any {
		s, _ := file[name].(map[string]any)
		if s == nil {
			s = map[string]any{}
			file[name] = s
		}
		return s
	}
	base := section("base_types")
	base["pointer"] = number(m.Pointer())
	for _, n := range []int{1, 2, 4, 8} {
		base[fmt.Sprintf("u%d", 8*n)] = number(n)
	}
	user := section("user_types")
	for _, s := range structures {
		user[s] = m.isfStructure(s)
	}
	symbols := section("symbols")
	for name, va := range m.variable {
		symbols[name] = map[string]any{"address": va - m.firstImage}
	}
	out, err := json.Marshal(file)
	if err != nil {
		panic(err)
	}
	return out
}

func number(size int) map[string]any {
	return map[string]any{"size": size, "kind": "int", "signed": false, "endian": "little"}
}

// isfStructure describes a structure by its members of one level.
func (m *Machine) isfStructure(name string) map[string]any {
	fields := map[string]any{}
	for member, at := range layouts[m.column] {
		field, ok := strings.CutPrefix(member, name+".")
		if !ok || strings.Contains(field, ".") {
			continue
		}
		kind := map[string]any{"kind": "base", "name": fmt.Sprintf("u%d", 8*at.size)}
		if at.size == 0 { // a name's UNICODE_STRING is the only one that is written piece by piece
			kind = map[string]any{"kind": "struct", "name": "_UNICODE_STRING"}
		}
		fields[field] = map[string]any{"offset": at.off, "type": kind}
	}
	return map[string]any{"kind": "struct", "size": m.Size(name), "fields": fields}
}
