// Package section holds sealed shared memory: the memory of a channel, and the
// sections that carry data too large for a message.
//
// A [Section] is one memfd (memfd_create(2)) that nobody can shrink, grow or
// unseal, mapped into this process. One process makes it with [Create] and
// passes the descriptor on; the other maps it with [Open], which trusts nothing
// about a descriptor until the kernel has answered that it is such memory. The
// package is not an allocator, and it keeps no record of who has what mapped.
//
//	s, fd, err := section.Create("lpc:view", 1<<20)
//	// send fd to the peer by SCM_RIGHTS, then close it
//	...
//	s, err := section.Open(fd, 1<<20) // at the peer
//	if err != nil {
//		section.CloseUntrusted(fd)
//	}
//
// # The peer writes too
//
// The seals keep the mapping valid; they keep nobody from writing. The bytes of
// a section may change at any moment, by stores and by holes that the peer
// punches into the memfd, which turn content to zero. So nothing is read twice:
// copy out, check the copy, use the copy ([Copy]). Where a page cannot be had
// at all (a memory error, a limit) the kernel sends SIGBUS; [Guard] turns it
// into an error.
//
// # Locks
//
// A Section has one mutex, which orders Unmap, Discard and DontDump. It is held
// over the system call and never while another lock is taken; Bytes and Size
// take none.
package section
