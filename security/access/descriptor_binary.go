package access

import (
	"encoding/binary"
	"fmt"
)

// descriptorHeader is the size of a self-relative descriptor without its parts:
// revision, Sbz1, Control, then the offsets of owner, group, SACL and DACL
// (MS-DTYP 2.4.6).
const descriptorHeader = 20

// Decode reads a self-relative descriptor from the start of b. Its parts may
// stand anywhere in b behind the header, 4-byte aligned, in any order, and may
// overlap. The descriptor shares no memory with b.
func Decode(b []byte) (*Descriptor, error) {
	if len(b) < descriptorHeader {
		return nil, malformed(PartDescriptor, 0, "%d bytes, expected at least %d", len(b), descriptorHeader)
	}
	le := binary.LittleEndian
	if b[0] != 1 {
		return nil, malformed(PartDescriptor, 0, "revision %d, expected 1", b[0])
	}
	d := &Descriptor{RMControl: b[1], Control: Control(le.Uint16(b[2:]))}
	if d.Control&SelfRelative == 0 {
		return nil, malformed(PartDescriptor, 2, "control %#x, expected a self-relative descriptor (flag %#x)", d.Control, SelfRelative)
	}
	d.Control &^= SelfRelative
	if d.Control&RMControlValid == 0 {
		d.RMControl = 0
	}
	var err error
	if d.Owner, err = sidAt(b, 4, "owner"); err != nil {
		return nil, err
	}
	if d.Group, err = sidAt(b, 8, "group"); err != nil {
		return nil, err
	}
	if d.Control&SACLPresent != 0 {
		if d.SACL, err = aclAt(b, 12, "system list"); err != nil {
			return nil, err
		}
	}
	if d.Control&DACLPresent != 0 {
		if d.DACL, err = aclAt(b, 16, "discretionary list"); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// partAt returns where the part is whose offset stands at field, 0 for none.
func partAt(b []byte, field int, what string) (int, error) {
	off := binary.LittleEndian.Uint32(b[field:])
	if off == 0 {
		return 0, nil
	}
	if off < descriptorHeader || int64(off) >= int64(len(b)) || off%4 != 0 {
		return 0, malformed(PartDescriptor, field, "%s at %#x, expected a multiple of 4 from %#x to %#x", what, off, descriptorHeader, len(b))
	}
	return int(off), nil
}

func sidAt(b []byte, field int, what string) (SID, error) {
	off, err := partAt(b, field, what)
	if err != nil || off == 0 {
		return SID{}, err
	}
	s, _, err := decodeSID(b, off)
	return s, err
}

func aclAt(b []byte, field int, what string) (*ACL, error) {
	off, err := partAt(b, field, what)
	if err != nil || off == 0 {
		return nil, err
	}
	l, _, err := decodeACL(b, off)
	return l, err
}

// AppendBinary appends the self-relative form to b: the header, then owner,
// group, system list and discretionary list without gaps. A list whose flag is
// clear is left out. It fails where [ACL.AppendBinary] does.
func (d *Descriptor) AppendBinary(b []byte) ([]byte, error) {
	le := binary.LittleEndian
	start := len(b)
	rm := d.RMControl
	if d.Control&RMControlValid == 0 {
		rm = 0
	}
	b = append(b, 1, rm)
	b = le.AppendUint16(b, uint16(d.Control|SelfRelative))
	b = append(b, make([]byte, descriptorHeader-4)...)
	place := func(field int) { le.PutUint32(b[start+field:], uint32(len(b)-start)) }
	var err error
	if !d.Owner.IsZero() {
		place(4)
		b, _ = d.Owner.AppendBinary(b)
	}
	if !d.Group.IsZero() {
		place(8)
		b, _ = d.Group.AppendBinary(b)
	}
	if d.Control&SACLPresent != 0 && d.SACL != nil {
		place(12)
		if b, err = d.SACL.AppendBinary(b); err != nil {
			return b[:start], fmt.Errorf("writing system list: %w", err)
		}
	}
	if d.Control&DACLPresent != 0 && d.DACL != nil {
		place(16)
		if b, err = d.DACL.AppendBinary(b); err != nil {
			return b[:start], fmt.Errorf("writing discretionary list: %w", err)
		}
	}
	return b, nil
}
