package access

import "github.com/seed-eedd8485/lpc/security"

// Accounts that are the same on every machine (MS-DTYP 2.4.2.4).
var (
	Everyone    = mustSID(1, 0)  // S-1-1-0
	System      = mustSID(5, 18) // S-1-5-18: root
	OwnerRights = mustSID(3, 4)  // S-1-3-4: in an entry, whoever owns the object
)

// Samba gives Unix users and groups without an account of their own SIDs under
// this authority: S-1-22-1-uid and S-1-22-2-gid. So do we.
const (
	unixAuthority = 22
	unixUsers     = 1
	unixGroups    = 2
)

// User returns the SID of a Linux user: S-1-22-1-uid, for root S-1-5-18.
func User(uid uint32) SID {
	if uid == 0 {
		return System
	}
	return mustSID(unixAuthority, unixUsers, uid)
}

// Group returns the SID of a Linux group: S-1-22-2-gid.
func Group(gid uint32) SID { return mustSID(unixAuthority, unixGroups, gid) }

// UID returns the Linux user that s names. S-1-22-1-0 is root, as S-1-5-18 is.
func (s SID) UID() (uid uint32, ok bool) {
	if s == System {
		return 0, true
	}
	return s.unix(unixUsers)
}

// GID returns the Linux group that s names.
func (s SID) GID() (gid uint32, ok bool) { return s.unix(unixGroups) }

func (s SID) unix(kind uint32) (uint32, bool) {
	if s.authority != unixAuthority || s.count != 2 || s.sub[0] != kind {
		return 0, false
	}
	return s.sub[1], true
}

// Names reports whether s names id: its effective user, one of its groups
// ([security.Identity.InGroup]), or everyone. An id of a user namespace that has
// no mapping here shows as 65534 in id, and is then that user to an entry too.
func (s SID) Names(id security.Identity) bool {
	if uid, ok := s.UID(); ok {
		return id.Is(uid)
	}
	if gid, ok := s.GID(); ok {
		return id.InGroup(gid)
	}
	return s == Everyone
}
