// Package pool is the memory that a debugger reads: the one pool of this
// process, writable by it alone, in which every port object, message record,
// thread record and handle stands.
//
// It is the truth that the engine works on, not a mirror of it: queues are
// linked here, reply chains are walked here. Go objects hold only what memory
// cannot hold (descriptors, handlers, parked goroutines). No peer ever maps a
// pool, so what a debugger reads here no peer can forge; what came from a peer
// is copied in, checked, by the engine.
//
// A pool is a row of extents, each a sealed memfd named lpc:pool of ExtentSize
// bytes. The descriptors stay open: who may ptrace the process may open them
// through /proc/PID/fd and read, without asking the process or stopping it. Each
// extent is cut into blocks whose BlockHeader carries a magic number, a size, an
// owner and a four-letter Tag; a block header of zeros means never used. The first
// block of the first extent is the pool's Header.
//
// An address (Addr) is pool number << 40 | offset, where the pool number is the
// pid: the same number in the running process, in a snapshot and in a core file.
// A link never leaves its pool.
//
// What each tag has had is counted for the life of the process (Tracker), sections
// included, whose memory stands outside the pool: a Section record describes each.
//
// The layout is described by the pool itself: Header.Types is the address of an
// ISF JSON text generated from the Go structs (types.go), so that a debugger of
// one version reads a process of another.
//
// Lock order: Pool.mu is a leaf. Lists are guarded by the lock of who owns them
// (the engine's port lock), not by the pool.
package pool
