package access

import "github.com/seed-eedd8485/lpc/security"

// Check says whether d lets id have every right in desired, and which rights it
// then has. The rules and their order are NT's (MS-DTYP 2.5.3.2):
//
//   - generic rights stand for the port's own ([Mask.Map]);
//   - a NULL list (DACLPresent and no DACL) grants whatever is asked;
//   - the owner may read the descriptor and replace its list, whatever the list
//     says, unless an entry for [OwnerRights] says what the owner may;
//   - entries count in their order, and for each right the first that names the
//     caller and the right decides. So an empty list admits nobody;
//   - with [MaximumAllowed], every right that would be granted is, and there
//     must be at least one.
//
// Where NT would be lenient, Check is not: no right asked for, no descriptor, a
// descriptor without a list that nobody finished by [Descriptor.Assign], and
// [AccessSystemSecurity] are refused; an entry of a type that is not evaluated
// here (object and callback entries) denies all that is not granted before it.
//
// On refusal granted is 0.
func Check(d *Descriptor, id security.Identity, desired Mask) (granted Mask, ok bool) {
	want := desired.Map()
	maximum := want&MaximumAllowed != 0
	want &^= MaximumAllowed
	if d == nil || d.Control&DACLPresent == 0 || want&AccessSystemSecurity != 0 || want == 0 && !maximum {
		return 0, false
	}
	var got Mask
	if d.DACL == nil {
		got = want | PortAllAccess
	} else {
		got = d.walk(id)
	}
	if want&^got != 0 || got == 0 {
		return 0, false
	}
	if maximum {
		return got, true
	}
	return want, true
}

// walk returns every right that the list and ownership give to id.
func (d *Descriptor) walk(id security.Identity) Mask {
	owner := d.Owner.Names(id)
	var got, denied Mask
	implicit := owner
	for i := range d.DACL.Entries {
		e := &d.DACL.Entries[i]
		if e.Flags&InheritOnly != 0 {
			continue
		}
		if e.Type.simple() && e.SID == OwnerRights {
			implicit = false
		}
		switch names := e.SID.Names(id) || owner && e.SID == OwnerRights; {
		case e.Type == Audit || e.Type == Alarm: // they report, they do not decide
		case !e.Type.simple():
			denied |= ^got
		case names && e.Type == Allow:
			got |= e.Mask.Map() &^ denied
		case names && e.Type == Deny:
			denied |= e.Mask.Map() &^ got
		}
	}
	// What nobody may be granted by a list: a privilege, and a question.
	got &^= AccessSystemSecurity | MaximumAllowed
	if implicit {
		got |= ReadControl | WriteDAC
	}
	return got
}
