//go:build amd64

package channel

import "unsafe"

// prefetchWrite asks for the cache line at p to be fetched for writing. It is a
// hint: it changes nothing and faults never, so any address is sound.
//
//go:noescape
func prefetchWrite(p unsafe.Pointer)
