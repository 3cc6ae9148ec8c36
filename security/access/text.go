package access

import (
	"fmt"
	"strings"
)

// String gives the descriptor in the manner of NT's SDDL (MS-DTYP 2.5.1), with
// rights in hex and SIDs in full: "O:S-1-22-1-1000D:(A;;0x1;;;S-1-1-0)". It is
// for people; nothing here reads it back.
func (d *Descriptor) String() string {
	if d == nil {
		return "no security descriptor"
	}
	var b strings.Builder
	if !d.Owner.IsZero() {
		fmt.Fprintf(&b, "O:%v", d.Owner)
	}
	if !d.Group.IsZero() {
		fmt.Fprintf(&b, "G:%v", d.Group)
	}
	if d.Control&DACLPresent != 0 {
		fmt.Fprintf(&b, "D:%v", d.DACL)
	}
	if d.Control&SACLPresent != 0 {
		fmt.Fprintf(&b, "S:%v", d.SACL)
	}
	return b.String()
}

// String gives the entries in SDDL's manner, NO_ACCESS_CONTROL for the NULL
// list, "" for the empty one.
func (l *ACL) String() string {
	if l == nil {
		return "NO_ACCESS_CONTROL"
	}
	var b strings.Builder
	for _, e := range l.Entries {
		b.WriteString(e.String())
	}
	return b.String()
}

var aceTypes = [...]string{Allow: "A", Deny: "D", Audit: "AU", Alarm: "AL"}

// aceFlags are SDDL's letters for the flags, by bit (MS-DTYP 2.4.4.1).
var aceFlags = [8]string{"OI", "CI", "NP", "IO", "ID", "0x20", "SA", "FA"}

// String gives the entry in SDDL's manner: "(A;;0x1;;;S-1-1-0)". An entry of a
// type that is not known shows its number and length.
func (e ACE) String() string {
	var flags strings.Builder
	for i, f := range aceFlags {
		if e.Flags&(1<<i) != 0 {
			flags.WriteString(f)
		}
	}
	if !e.Type.simple() {
		return fmt.Sprintf("(type %#x;%s;%d bytes)", uint8(e.Type), flags.String(), len(e.Data))
	}
	return fmt.Sprintf("(%s;%s;%#x;;;%v)", aceTypes[e.Type], flags.String(), uint32(e.Mask), e.SID)
}
