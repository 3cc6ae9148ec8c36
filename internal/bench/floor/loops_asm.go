//go:build amd64 || arm64

package floor

const haveLoops = true

// ping runs n exchanges after exchange seq: it writes 32 bytes and the next
// sequence number at request, and looks at reply until that number stands
// there. It returns how many exchanges were finished; fewer than n when a
// reply did not come within spins looks. The unfinished one may be repeated:
// its request is then written again, the same.
//
//go:noescape
func ping(request, reply *uint64, seq, n, spins uint64) uint64

// pingStamped is ping with n = len(took); each exchange's ticks go into took.
//
//go:noescape
func pingStamped(request, reply *uint64, seq uint64, took []uint64, spins uint64) uint64

// pong answers at most n exchanges after exchange seq: it looks at request
// until the next number stands there, copies the 32 bytes beside it to reply,
// and writes the number there. It returns how many it answered.
//
//go:noescape
func pong(request, reply *uint64, seq, n, spins uint64) uint64
