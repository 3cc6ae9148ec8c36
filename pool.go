package lpc

import "github.com/seed-eedd8485/lpc/internal/engine"

// LockPool pins in memory, from now on, what debuggers see of this process: its pool of
// port objects, messages and thread records, which then counts as nonpaged. It takes
// 256 KiB at least of RLIMIT_MEMLOCK (setrlimit(2)); where that is used up, making a port
// or a connection fails with an error that says so.
func LockPool() error { return engine.LockPool() }
