package access

import (
	"errors"
	"fmt"

	"github.com/seed-eedd8485/lpc/security"
)

// Control are the flags of a descriptor (MS-DTYP 2.4.6).
type Control uint16

// Flags of a descriptor. The two that say whether a list is there decide: a list
// without its flag does not count.
const (
	DACLPresent    Control = 0x0004
	SACLPresent    Control = 0x0010
	RMControlValid Control = 0x4000
	SelfRelative   Control = 0x8000 // set in bytes, clear in a Descriptor
)

// Descriptor is NT's SECURITY_DESCRIPTOR, as values in place of pointers. The
// zero Descriptor leaves everything open and lets nobody in until Assign has
// filled it.
type Descriptor struct {
	Control   Control
	RMControl uint8 // for the object's manager, with RMControlValid
	Owner     SID   // the zero SID: none given
	Group     SID   // the zero SID: none given
	// DACL is the discretionary list. With DACLPresent, nil is the NULL list,
	// which admits everyone. Without it the descriptor gives none.
	DACL *ACL
	SACL *ACL // the system list, carried but not used
}

// ErrOwner reports a descriptor with an owner that its maker may not name: NT's
// STATUS_INVALID_OWNER. A user may name himself and his groups; root anybody.
var ErrOwner = errors.New("the owner of the security descriptor is neither its maker nor a group of his")

// Default returns the descriptor of a port for which none was given: it belongs
// to creator, and lets creator's user and root do everything, nobody else
// anything.
func Default(creator security.Identity) *Descriptor {
	owner := User(creator.UID)
	dacl := &ACL{Revision: 2, Entries: []ACE{{Type: Allow, Mask: PortAllAccess, SID: owner}}}
	if owner != System {
		dacl.Entries = append(dacl.Entries, ACE{Type: Allow, Mask: PortAllAccess, SID: System})
	}
	return &Descriptor{Control: DACLPresent, Owner: owner, Group: Group(creator.GID), DACL: dacl}
}

// Assign returns the descriptor of a new port of creator's, for which d was
// given: as NT does, what d leaves open comes from the default, and generic
// rights in entries become the port's own. d may be nil and is not changed; the
// result shares the bytes of Data with it. The error is [ErrOwner].
func (d *Descriptor) Assign(creator security.Identity) (*Descriptor, error) {
	def := Default(creator)
	if d == nil {
		return def, nil
	}
	a := *d
	switch {
	case a.Owner.IsZero():
		a.Owner = def.Owner
	case !creator.Is(0) && (a.Owner == Everyone || !a.Owner.Names(creator)):
		return nil, fmt.Errorf("assigning owner %v for %v: %w", a.Owner, creator, ErrOwner)
	}
	if a.Group.IsZero() {
		a.Group = def.Group
	}
	if a.Control&DACLPresent == 0 {
		a.Control |= DACLPresent
		a.DACL = def.DACL
	}
	if a.DACL != nil {
		mapped := &ACL{Revision: a.DACL.Revision, Entries: append([]ACE(nil), a.DACL.Entries...)}
		for i := range mapped.Entries {
			mapped.Entries[i].Mask = mapped.Entries[i].Mask.Map()
		}
		a.DACL = mapped
	}
	return &a, nil
}
