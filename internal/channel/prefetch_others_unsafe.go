//go:build !amd64

package channel

import "unsafe"

func prefetchWrite(unsafe.Pointer) {}
