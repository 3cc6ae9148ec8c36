package access

import (
	"encoding/binary"
	"fmt"
)

// ACEType says what an entry does (MS-DTYP 2.4.4.1).
type ACEType uint8

// The types that consist of a mask and a SID. Others are carried as bytes.
const (
	Allow ACEType = 0
	Deny  ACEType = 1
	Audit ACEType = 2
	Alarm ACEType = 3
)

func (t ACEType) simple() bool { return t <= Alarm }

// InheritOnly is the flag of an entry that is for the children of the object
// alone: it says nothing about the object itself.
const InheritOnly = 0x08

// ACE is one entry of a list.
type ACE struct {
	Type  ACEType
	Flags uint8
	Mask  Mask // of the simple types
	SID   SID  // of the simple types
	// Data is what follows: behind the SID in a simple type (usually nothing),
	// behind the header in every other. Its length is a multiple of 4.
	Data []byte
}

// ACL is a list of entries in the order in which they count. A *ACL that is nil
// is NT's NULL list; one without entries is empty, which is the opposite.
type ACL struct {
	Revision uint8 // 2, or 4 for object entries; 0 is written as 2
	Entries  []ACE
}

// Sizes of MS-DTYP 2.4.4 and 2.4.5, in bytes.
const (
	aclHeader = 8
	aceHeader = 4
	maxACL    = 1<<16 - 1 // AclSize and AceSize are 16 bits
)

func (e *ACE) size() int {
	n := aceHeader + len(e.Data)
	if e.Type.simple() {
		n += 4 + e.SID.Size()
	}
	return n
}

// AppendBinary appends the list in NT's form to b. It fails for a list of more
// than 65,535 bytes, for an entry of a simple type without a SID, and
// for Data whose length is no multiple of 4.
func (l *ACL) AppendBinary(b []byte) ([]byte, error) {
	size := aclHeader
	for i := range l.Entries {
		e := &l.Entries[i]
		if e.Type.simple() && e.SID.IsZero() {
			return b, fmt.Errorf("writing ACL: entry %d has no SID", i)
		}
		if len(e.Data)%4 != 0 {
			return b, fmt.Errorf("writing ACL: entry %d has %d bytes of data, expected a multiple of 4", i, len(e.Data))
		}
		if size += e.size(); size > maxACL {
			return b, fmt.Errorf("writing ACL: entry %d ends at byte %d, expected at most %d", i, size, maxACL)
		}
	}
	revision := l.Revision
	if revision == 0 {
		revision = 2
	}
	le := binary.LittleEndian
	b = append(b, revision, 0)
	b = le.AppendUint16(b, uint16(size))
	b = le.AppendUint16(b, uint16(len(l.Entries)))
	b = le.AppendUint16(b, 0)
	for i := range l.Entries {
		e := &l.Entries[i]
		b = append(b, byte(e.Type), e.Flags)
		b = le.AppendUint16(b, uint16(e.size()))
		if e.Type.simple() {
			b = le.AppendUint32(b, uint32(e.Mask))
			b, _ = e.SID.AppendBinary(b)
		}
		b = append(b, e.Data...)
	}
	return b, nil
}

// DecodeACL reads the list at the start of b and says how many bytes it takes,
// which may be more than its entries need. Bytes behind it are not looked at.
// The list shares no memory with b.
func DecodeACL(b []byte) (l *ACL, size int, err error) { return decodeACL(b, 0) }

func decodeACL(b []byte, at int) (*ACL, int, error) {
	if at > len(b) || len(b)-at < aclHeader {
		return nil, 0, malformed(PartACL, at, "%d bytes, expected at least %d", max(len(b)-at, 0), aclHeader)
	}
	le := binary.LittleEndian
	h := b[at:]
	// RtlValidAcl takes 2 to 4; 3 is a revision that was never used for long.
	if h[0] < 2 || h[0] > 4 {
		return nil, 0, malformed(PartACL, at, "revision %d, expected 2 to 4", h[0])
	}
	size, count := int(le.Uint16(h[2:])), int(le.Uint16(h[4:]))
	if size < aclHeader || size > len(h) {
		return nil, 0, malformed(PartACL, at+2, "size %d, expected %d to %d", size, aclHeader, len(h))
	}
	if most := (size - aclHeader) / aceHeader; count > most {
		return nil, 0, malformed(PartACL, at+4, "%d entries, expected at most %d in %d bytes", count, most, size)
	}
	l := &ACL{Revision: h[0], Entries: make([]ACE, 0, count)}
	// Entries are read from the list alone: none may reach beyond its end.
	list, off := b[:at+size], at+aclHeader
	for range count {
		e, n, err := decodeACE(list, off)
		if err != nil {
			return nil, 0, err
		}
		l.Entries = append(l.Entries, e)
		off += n
	}
	return l, size, nil
}

// decodeACE reads the entry at offset at of b, which ends where its list ends.
func decodeACE(b []byte, at int) (ACE, int, error) {
	if len(b)-at < aceHeader {
		return ACE{}, 0, malformed(PartACE, at, "%d bytes left in the ACL, expected at least %d", len(b)-at, aceHeader)
	}
	e := ACE{Type: ACEType(b[at]), Flags: b[at+1]}
	size := int(binary.LittleEndian.Uint16(b[at+2:]))
	// "AceSize MUST be a multiple of 4" (MS-DTYP 2.4.4.1).
	if size < aceHeader || size%4 != 0 || size > len(b)-at {
		return ACE{}, 0, malformed(PartACE, at+2, "size %d, expected a multiple of 4 from %d to %d", size, aceHeader, len(b)-at)
	}
	entry, used := b[:at+size], at+aceHeader
	if e.Type.simple() {
		if size < aceHeader+4 {
			return ACE{}, 0, malformed(PartACE, at+2, "size %d, expected room for a mask and a SID", size)
		}
		e.Mask = Mask(binary.LittleEndian.Uint32(b[used:]))
		sid, n, err := decodeSID(entry, used+4)
		if err != nil {
			return ACE{}, 0, err
		}
		e.SID = sid
		used += 4 + n
	}
	if used < len(entry) {
		e.Data = append([]byte(nil), entry[used:]...)
	}
	return e, size, nil
}
