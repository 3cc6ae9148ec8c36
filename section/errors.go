package section

import (
	"errors"
	"fmt"
)

// What [Open] answers to a descriptor that is not an agreed section. The peer
// that sent one is broken or hostile: end its connection, and give the
// descriptor to [CloseUntrusted].
var (
	// ErrNotMemory: a pipe, a socket, a file of a file system, a hugetlb memfd:
	// anything but shared memory made by memfd_create(2) with normal pages.
	ErrNotMemory = errors.New("the descriptor is not shared memory (a memfd with pages of the usual size)")
	// ErrNotSealed: the memory could still shrink under its mapping.
	ErrNotSealed = errors.New("the memory is not sealed against shrinking, growing and unsealing")
	// ErrReadOnly: the memory cannot be mapped for writing.
	ErrReadOnly = errors.New("the memory cannot be mapped for writing")
	// ErrWrongSize: not the size that both sides agreed on.
	ErrWrongSize = errors.New("the memory has not the agreed size")
	// ErrUnmapped: a call on a section after its Unmap.
	ErrUnmapped = errors.New("the section is unmapped")
)

// Fault is the error of [Guard]: an access to memory that the system could not
// provide.
type Fault struct {
	Addr uintptr // the address that was touched, as the kernel reported it
}

func (f *Fault) Error() string {
	return fmt.Sprintf("memory fault at address %#x: no page could be had there", f.Addr)
}

var _ error = (*Fault)(nil)
