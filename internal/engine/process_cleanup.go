package engine

import (
	"runtime"

	"github.com/seed-eedd8485/lpc/internal/pool"
)

// runtimeCleanup frees a thread record's block when its thread is collected.
func runtimeCleanup(t *thread, p *pool.Pool, a pool.Addr) {
	runtime.AddCleanup(t, func(a pool.Addr) { p.Free(a) }, a)
}
