//go:build amd64 || arm64

package latency

const haveCounter = true

// counter reads the processor's time stamp counter. It does not wait for
// earlier instructions: a stamp may be early by the few nanoseconds that the
// processor runs ahead.
//
//go:noescape
func counter() uint64
