//go:build cgo && linux

package main

import (
	"encoding/binary"
	"unicode/utf16"

	"github.com/seed-eedd8485/lpc/nt"
	"github.com/seed-eedd8485/lpc/security/access"
)

// Statuses that package nt has no use for.
const (
	statusUnknownRevision nt.Status = 0xC0000058
	statusInvalidACL      nt.Status = 0xC0000077
)

// unicodeString is UNICODE_STRING.
type unicodeString struct {
	Length, MaximumLength uint16 // bytes
	Buffer                uintptr
}

// objectAttributes is OBJECT_ATTRIBUTES.
type objectAttributes struct {
	Length             uint32
	RootDirectory      nt.Handle
	ObjectName         uintptr
	Attributes         uint32
	SecurityDescriptor uintptr
	SecurityQos        uintptr
}

const objectAttributesSize = 0x30

// getText reads a UNICODE_STRING. What is no text of whole UTF-16 characters names no
// object, which is known only when the name is looked up: valid says it.
func getText(p uintptr) (text string, valid bool, s nt.Status) {
	var u unicodeString
	if s := get(p, 4, &u); s != nt.StatusSuccess {
		return "", false, s
	}
	if s := check(u.Buffer, uintptr(u.Length), 2); s != nt.StatusSuccess {
		return "", false, s
	}
	b := make([]byte, u.Length)
	if s := getBytes(u.Buffer, b); s != nt.StatusSuccess {
		return "", false, s
	}
	chars := make([]uint16, len(b)/2)
	for i := range chars {
		chars[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	runes := utf16.Decode(chars)
	text = string(runes)
	valid = len(b)%2 == 0
	for i, again := 0, utf16.Encode(runes); i < len(again) && valid; i++ {
		valid = i < len(chars) && again[i] == chars[i] // half a character is decoded to another one
	}
	return text, valid, nt.StatusSuccess
}

// getAttributes reads OBJECT_ATTRIBUTES with the name in it. The rest of what it names is
// looked at later: see (*objectAttributes).descriptor.
func getAttributes(p uintptr) (oa objectAttributes, name *string, s nt.Status) {
	if s = get(p, 4, &oa); s != nt.StatusSuccess || oa.ObjectName == 0 {
		return oa, nil, s
	}
	text, valid, s := getText(oa.ObjectName)
	if !valid && s == nt.StatusSuccess {
		text = "?" // a name without a backslash: package nt says so when it comes to names
	}
	return oa, &text, s
}

// descriptor reads the security descriptor, nil where there is none.
func (oa *objectAttributes) descriptor() (*access.Descriptor, nt.Status) {
	switch {
	case oa.Length != objectAttributesSize:
		return nil, nt.StatusInvalidParameter
	case oa.SecurityDescriptor == 0:
		return nil, nt.StatusSuccess
	}
	return getDescriptor(oa.SecurityDescriptor)
}

// getDescriptor reads a SECURITY_DESCRIPTOR, absolute or self-relative. The system list is
// not read: nothing here reports.
func getDescriptor(p uintptr) (*access.Descriptor, nt.Status) {
	var head struct {
		Revision, Sbz1 uint8
		Control        access.Control
	}
	if s := get(p, 4, &head); s != nt.StatusSuccess {
		return nil, s
	}
	if head.Revision != 1 {
		return nil, statusUnknownRevision
	}
	var owner, group, dacl uintptr
	if head.Control&access.SelfRelative != 0 {
		var off struct{ Owner, Group, Sacl, Dacl uint32 }
		if s := get(p+4, 4, &off); s != nt.StatusSuccess {
			return nil, s
		}
		at := func(o uint32) uintptr {
			if o == 0 {
				return 0
			}
			return p + uintptr(o)
		}
		owner, group, dacl = at(off.Owner), at(off.Group), at(off.Dacl)
	} else {
		var ptr struct{ Owner, Group, Sacl, Dacl uintptr }
		if s := get(p+8, 4, &ptr); s != nt.StatusSuccess {
			return nil, s
		}
		owner, group, dacl = ptr.Owner, ptr.Group, ptr.Dacl
	}
	d := &access.Descriptor{Control: head.Control &^ (access.SelfRelative | access.SACLPresent | access.RMControlValid)}
	var s nt.Status
	if owner != 0 {
		if d.Owner, s = getSID(owner); s != nt.StatusSuccess {
			return nil, s
		}
	}
	if group != 0 {
		if d.Group, s = getSID(group); s != nt.StatusSuccess {
			return nil, s
		}
	}
	if dacl != 0 && d.Control&access.DACLPresent != 0 {
		if d.DACL, s = getACL(dacl); s != nt.StatusSuccess {
			return nil, s
		}
	}
	return d, nt.StatusSuccess
}

// getSID reads a SID: its header says how long it is.
func getSID(p uintptr) (access.SID, nt.Status) {
	const header, sub = 8, 4
	b := make([]byte, header+access.MaxSubAuthorities*sub)
	if s := getBytes(p, b[:header]); s != nt.StatusSuccess {
		return access.SID{}, s
	}
	if b[1] > access.MaxSubAuthorities {
		return access.SID{}, nt.StatusInvalidSID
	}
	b = b[:header+int(b[1])*sub]
	if s := getBytes(p, b); s != nt.StatusSuccess {
		return access.SID{}, s
	}
	sid, _, err := access.DecodeSID(b)
	if err != nil {
		return access.SID{}, nt.StatusInvalidSID
	}
	return sid, nt.StatusSuccess
}

// getACL reads a list: its header says how long it is, 64 KiB at most.
func getACL(p uintptr) (*access.ACL, nt.Status) {
	var head struct {
		Revision, Sbz1       uint8
		Size, AceCount, Sbz2 uint16
	}
	if s := get(p, 4, &head); s != nt.StatusSuccess {
		return nil, s
	}
	b := make([]byte, head.Size)
	if s := getBytes(p, b); s != nt.StatusSuccess {
		return nil, s
	}
	l, _, err := access.DecodeACL(b)
	if err != nil {
		return nil, statusInvalidACL
	}
	return l, nt.StatusSuccess
}
