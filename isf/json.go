package isf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// The shapes of an ISF file, after volatility3's schema-6.3.0.json. Older formats
// (4.x) have the same parts. Members that are not named here are passed over.
type (
	file struct {
		Metadata  *fileMeta        `json:"metadata"`
		BaseTypes object[baseType] `json:"base_types"`
		UserTypes object[userType] `json:"user_types"`
		Enums     object[enumType] `json:"enums"`
		Symbols   object[symbol]   `json:"symbols"`
	}
	fileMeta struct {
		Format   string       `json:"format"`
		Producer fileProducer `json:"producer"`
		Windows  *fileWindows `json:"windows,omitempty"`
	}
	fileProducer struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	fileWindows struct {
		PDB *filePDB `json:"pdb,omitempty"`
	}
	filePDB struct {
		GUID     string `json:"GUID"`
		Age      uint32 `json:"age"`
		Database string `json:"database"`
		Machine  uint16 `json:"machine_type"`
	}
	baseType struct {
		Size   *int   `json:"size"`
		Signed bool   `json:"signed"`
		Kind   string `json:"kind"`
		Endian string `json:"endian"`
	}
	userType struct {
		Kind   string        `json:"kind"`
		Size   *int          `json:"size"`
		Fields object[field] `json:"fields"`
	}
	field struct {
		Offset    *int  `json:"offset"`
		Type      *desc `json:"type"`
		Anonymous bool  `json:"anonymous,omitempty"`
	}
	// desc is a type_descriptor: which members it has depends on Kind.
	desc struct {
		Kind        string `json:"kind"`
		Name        string `json:"name,omitempty"`
		Count       *int   `json:"count,omitempty"`
		Base        string `json:"base,omitempty"`
		Subtype     *desc  `json:"subtype,omitempty"`
		BitPosition *int   `json:"bit_position,omitempty"`
		BitLength   *int   `json:"bit_length,omitempty"`
		Type        *desc  `json:"type,omitempty"`
	}
	enumType struct {
		Size      *int           `json:"size"`
		Base      string         `json:"base"`
		Constants object[number] `json:"constants"`
	}
	symbol struct {
		Address *number `json:"address"`
	}
)

// object is a JSON object whose members keep their order, which encoding/json's
// maps do not: two members of a union are listed in the order of the file. A
// name that stands twice is refused.
type object[T any] []entry[T]

type entry[T any] struct {
	name  string
	value T
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *object[T]) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("%.20q stands where an object is expected", data)
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		e := entry[T]{name: t.(string)} // the only token that can stand here
		if seen[e.name] {
			return fmt.Errorf("%q is described twice", e.name)
		}
		seen[e.name] = true
		if err := d.Decode(&e.value); err != nil {
			return fmt.Errorf("%q: %w", e.name, err)
		}
		*o = append(*o, e)
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (o object[T]) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, e := range o {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(e.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(e.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// number is a whole number of 64 bits, signed or not: an address of a Linux
// kernel, an enumeration's -1.
type number struct {
	bits     uint64
	negative bool // bits is two's complement
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(data []byte) error {
	s := string(data)
	if u, err := strconv.ParseUint(s, 10, 64); err == nil {
		*n = number{bits: u}
		return nil
	}
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return fmt.Errorf("%.40s is no whole number of 64 bits", s)
	}
	*n = number{bits: uint64(i), negative: i < 0}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	if n.negative {
		return strconv.AppendInt(nil, int64(n.bits), 10), nil
	}
	return strconv.AppendUint(nil, n.bits, 10), nil
}
