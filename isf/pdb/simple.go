package pdb

import "github.com/seed-eedd8485/lpc/isf"

// simple are the numbers below 0x1000 that stand for base types: the low byte is
// the type, bits 8 to 10 say whether it is meant or a pointer to it (LLVM,
// TypeIndex.h). Names are those that ISF files of Windows use.
var simple = map[uint32]*isf.Type{
	0x03: number("void", 0, false),
	0x08: number("HRESULT", 4, true),
	0x10: number("signed char", 1, true),
	0x20: number("unsigned char", 1, false),
	0x68: number("int8", 1, true),
	0x69: number("uint8", 1, false),
	0x70: number("char", 1, true),
	0x71: number("wchar", 2, false),
	0x7a: number("char16", 2, false),
	0x7b: number("char32", 4, false),
	0x7c: number("char8", 1, false),
	0x11: number("short", 2, true),
	0x21: number("unsigned short", 2, false),
	0x72: number("int16", 2, true),
	0x73: number("uint16", 2, false),
	0x12: number("long", 4, true),
	0x22: number("unsigned long", 4, false),
	0x74: number("int", 4, true),
	0x75: number("unsigned int", 4, false),
	0x13: number("long long", 8, true),
	0x23: number("unsigned long long", 8, false),
	0x76: number("int64", 8, true),
	0x77: number("uint64", 8, false),
	0x14: number("int128 oct", 16, true),
	0x24: number("uint128 oct", 16, false),
	0x78: number("int128", 16, true),
	0x79: number("uint128", 16, false),
	0x46: float("half", 2),
	0x40: float("float", 4),
	0x45: float("float pp", 4),
	0x44: float("float48", 6),
	0x41: float("double", 8),
	0x42: float("long double", 10),
	0x43: float("float128", 16),
	0x50: float("complex float", 8),
	0x51: float("complex double", 16),
	0x30: number("bool", 1, false),
	0x31: number("bool16", 2, false),
	0x32: number("bool32", 4, false),
	0x33: number("bool64", 8, false),
}

func number(name string, size int, signed bool) *isf.Type {
	return &isf.Type{Kind: isf.Base, Name: name, Size: size, Signed: signed}
}

func float(name string, size int) *isf.Type {
	return &isf.Type{Kind: isf.Base, Name: name, Size: size, Signed: true, Float: true}
}

// simpleType is the type of an index below 0x1000, nil where it has none that can
// be a member.
func simpleType(index uint32) *isf.Type {
	t := simple[index&0xff]
	size := 0
	switch index >> 8 {
	case 0:
		return t
	case 4, 5: // near and far, 32 bits
		size = 4
	case 6: // 64 bits
		size = 8
	default: // 16 bits and other old ones
		return nil
	}
	p := &isf.Type{Kind: isf.Pointer, Size: size}
	if t != nil && t.Size > 0 {
		p.Elem = t
	}
	return p
}
