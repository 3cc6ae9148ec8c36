package section

import (
	"sync"
	"sync/atomic"
)

// Section is a mapping of sealed shared memory, readable and writable, made by
// [Create] or [Open]. Its methods may be called from any goroutine; what is
// said at Unmap is the caller's part.
type Section struct {
	mem  []byte      // immutable after New; len == cap == the section's size
	gone atomic.Bool // set once by Unmap, under mu
	mu   sync.Mutex  // orders calls on the mapping against Unmap
}

// Bytes returns the memory itself, nil after Unmap. The peer may change it at
// any time, and it must not be touched once Unmap has been called. It is a load
// and a branch: still, who needs it often keeps the slice.
func (s *Section) Bytes() []byte {
	if s.gone.Load() {
		return nil
	}
	return s.mem
}

// Size returns the section's size in bytes, a whole number of pages, also after
// Unmap. It is the size to tell the peer.
func (s *Section) Size() int { return len(s.mem) }
