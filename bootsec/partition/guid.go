package partition

import (
	"encoding/binary"
	"fmt"
)

// GUID is a GUID as it stands on disk: the first three fields little-endian,
// the rest in order (UEFI specification, appendix A).
type GUID [16]byte

// String returns the GUID in the usual form, upper case as sfdisk prints it.
func (g GUID) String() string {
	return fmt.Sprintf("%08X-%04X-%04X-%04X-%012X",
		binary.LittleEndian.Uint32(g[0:]), binary.LittleEndian.Uint16(g[4:]), binary.LittleEndian.Uint16(g[6:]),
		binary.BigEndian.Uint16(g[8:]), g[10:])
}

// MarshalText makes a GUID a string in JSON.
func (g GUID) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (g *GUID) UnmarshalText(text []byte) error {
	var a uint32
	var b, c, d uint16
	var e uint64
	if n, err := fmt.Sscanf(string(text), "%08X-%04X-%04X-%04X-%012X", &a, &b, &c, &d, &e); n != 5 || err != nil || len(text) != 36 {
		return fmt.Errorf("reading GUID: %q is not of the form 01234567-89AB-CDEF-0123-456789ABCDEF", text)
	}
	binary.LittleEndian.PutUint32(g[0:], a)
	binary.LittleEndian.PutUint16(g[4:], b)
	binary.LittleEndian.PutUint16(g[6:], c)
	binary.BigEndian.PutUint64(g[8:], uint64(d)<<48|e)
	return nil
}

// zero reports the GUID of an unused entry.
func (g GUID) zero() bool { return g == GUID{} }
