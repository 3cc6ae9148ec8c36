package engine

import (
	"runtime"

	"github.com/seed-eedd8485/lpc/internal/pool"
)

// runtimeCleanup frees a thread record's block, and its stack's, when its thread is
// collected.
func runtimeCleanup(t *thread, p *pool.Pool, a pool.Addr) {
	runtime.AddCleanup(t, func(a pool.Addr) {
		if s := pool.At[pool.Thread](p, a).Stack; s != 0 {
			p.Free(s)
		}
		p.Free(a)
	}, a)
}
