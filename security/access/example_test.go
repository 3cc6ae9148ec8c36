package access_test

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/security"
	"github.com/seed-eedd8485/lpc/security/access"
)

// A port that group 27 may connect to, but not user 1001.
func ExampleCheck() {
	d := &access.Descriptor{Control: access.DACLPresent, DACL: &access.ACL{Entries: []access.ACE{
		{Type: access.Deny, Mask: access.GenericAll, SID: access.User(1001)},
		{Type: access.Allow, Mask: access.PortConnect, SID: access.Group(27)},
	}}}
	d, err := d.Assign(security.Identity{UID: 1000, GID: 1000})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d)
	for _, uid := range []uint32{1001, 1002} {
		_, ok := access.Check(d, security.Identity{UID: uid, GID: uid, Groups: []uint32{27}}, access.PortConnect)
		fmt.Println(uid, ok)
	}
	// Output:
	// O:S-1-22-1-1000G:S-1-22-2-1000D:(D;;0x1f0001;;;S-1-22-1-1001)(A;;0x1;;;S-1-22-2-27)
	// 1001 false
	// 1002 true
}
