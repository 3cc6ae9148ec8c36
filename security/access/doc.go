// Package access says who may do what with a port: NT's security descriptors,
// in its own formats and by its own rules, over Linux users.
//
//	d, err := access.Decode(bytes)         // self-relative, as NT passes it
//	d, err = d.Assign(creator)             // fill in what it leaves open
//	granted, ok := access.Check(d, caller, access.PortConnect)
//
// A [Descriptor] has an owner, a group and a discretionary list ([ACL]) of
// entries ([ACE]), each of which allows or denies rights ([Mask]) to one [SID].
// The formats are those of MS-DTYP 2.4: Decode and the AppendBinary methods are
// their reader and writer. A caller is a [security.Identity], which the kernel
// vouches for; [User] and [Group] say which SID a Linux id has.
//
// # What is not here
//
// No privileges: root is the account S-1-5-18 and subject to the list like any
// other, as LocalSystem is on NT. No audit: a system list is carried and never
// acted upon. No inheritance, since a port has no children. Nothing is enforced
// by this package: it answers, and whoever asked acts.
//
// The decoders take bytes from anybody. They read within the bytes given,
// allocate no more than those bytes justify, and refuse by an [*Error] that says
// what was wrong, where, and what was expected. Values are copies and may be
// used from any number of goroutines as long as nobody writes to them.
package access
