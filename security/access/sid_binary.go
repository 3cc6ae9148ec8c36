package access

import "encoding/binary"

// sidHeader is the size of a SID without sub-authorities: revision, count, and
// the authority, the one big-endian field of all (MS-DTYP 2.4.2.2).
const sidHeader = 8

// Size is the length of s in bytes as AppendBinary writes it: 8 to 68, and 0 for
// the zero SID.
func (s SID) Size() int {
	if s.IsZero() {
		return 0
	}
	return sidHeader + 4*int(s.count)
}

// AppendBinary appends the SID in NT's form to b. The zero SID adds nothing. It
// never fails.
func (s SID) AppendBinary(b []byte) ([]byte, error) {
	if s.IsZero() {
		return b, nil
	}
	b = append(b, s.revision, s.count, byte(s.authority>>40), byte(s.authority>>32))
	b = binary.BigEndian.AppendUint32(b, uint32(s.authority))
	for _, sub := range s.sub[:s.count] {
		b = binary.LittleEndian.AppendUint32(b, sub)
	}
	return b, nil
}

// DecodeSID reads the SID at the start of b and says how many bytes it takes.
// Bytes behind it are not looked at.
func DecodeSID(b []byte) (s SID, size int, err error) { return decodeSID(b, 0) }

// decodeSID is DecodeSID of the SID at offset at of b.
func decodeSID(b []byte, at int) (SID, int, error) {
	if at > len(b) || len(b)-at < sidHeader {
		return SID{}, 0, malformed(PartSID, at, "%d bytes, expected at least %d", max(len(b)-at, 0), sidHeader)
	}
	h := b[at:]
	if h[0] != 1 {
		return SID{}, 0, malformed(PartSID, at, "revision %d, expected 1", h[0])
	}
	if h[1] > MaxSubAuthorities {
		return SID{}, 0, malformed(PartSID, at+1, "%d sub-authorities, expected at most %d", h[1], MaxSubAuthorities)
	}
	s := SID{revision: 1, count: h[1]}
	if size := s.Size(); len(h) < size {
		return SID{}, 0, malformed(PartSID, at, "%d bytes, expected %d for %d sub-authorities", len(h), size, h[1])
	}
	s.authority = uint64(binary.BigEndian.Uint16(h[2:]))<<32 | uint64(binary.BigEndian.Uint32(h[4:]))
	for i := range int(s.count) {
		s.sub[i] = binary.LittleEndian.Uint32(h[sidHeader+4*i:])
	}
	return s, s.Size(), nil
}
