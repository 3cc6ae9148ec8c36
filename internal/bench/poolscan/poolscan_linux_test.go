package poolscan

import (
	"context"
	"errors"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/pool"
)

// Every block with the tag is found, and all extents are read.
func TestMeasure(t *testing.T) {
	r, err := Measure(context.Background(), Options{Bytes: 2 << 20, Passes: 3})
	if err != nil {
		t.Fatal(err)
	}
	p, err := pool.Process()
	if err != nil {
		t.Fatal(err)
	}
	if want := int(p.Header().Extents) * pool.ExtentSize; r.Bytes != want {
		t.Errorf("%d bytes were read, the pool has %d", r.Bytes, want)
	}
	if r.Found < r.Blocks/64-1 || r.Found > r.Blocks/64+1 || r.Found == 0 {
		t.Errorf("%d of %d blocks were found, one in 64 has the tag", r.Found, r.Blocks)
	}
	if r.Sum == 0 || r.Scan <= 0 || r.Read <= 0 || r.GBs(r.Scan) <= 0 {
		t.Errorf("a pass of no time: %+v", r)
	}
}

func TestMeasureEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Measure(ctx, Options{Bytes: 1 << 20, Passes: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was cancelled", err)
	}
}
