// Package pooltest prepares this process's own pool for tests of who reads pools. It is
// for tests alone.
package pooltest

import (
	"testing"

	"github.com/seed-eedd8485/lpc/internal/pool"
)

// Grown is the process's pool with two extents at least: a walk of it goes over a border.
func Grown(t testing.TB) *pool.Pool {
	t.Helper()
	p, err := pool.Process()
	if err != nil {
		t.Fatal(err)
	}
	for p.Header().Extents < 2 {
		if _, _, err := p.Alloc(pool.TagSection, 200<<10, 0); err != nil {
			t.Fatal(err)
		}
	}
	return p
}
