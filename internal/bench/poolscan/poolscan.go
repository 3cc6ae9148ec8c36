package poolscan

import (
	"fmt"
	"time"
)

// Options say how much is measured.
type Options struct {
	Bytes  int // of the pool
	Passes int // of each way
}

// Normal is more than the caches of most machines hold, in so few extents that a
// limit of 1,024 descriptors suffices for both who has them and who reads them.
var Normal = Options{Bytes: 96 << 20, Passes: 15}

// A Result is what was measured.
type Result struct {
	Bytes  int    // of all extents
	Blocks int    // of all tags
	Found  int    // with the tag that was looked for
	Sum    uint64 // of all words
	Scan   time.Duration
	Read   time.Duration // both the fastest of their passes: what else runs on the machine only adds
}

// GBs is a time for a pass as gigabytes (10^9 bytes) a second.
func (r *Result) GBs(pass time.Duration) float64 {
	return float64(r.Bytes) / float64(max(pass, 1)) // bytes a nanosecond
}

// Verdict is the result in a sentence.
func (r *Result) Verdict() string {
	return fmt.Sprintf("pool scan for a tag: %.1f GB/s over %d MiB in %d blocks, of which %d have it; a plain read of the same memory %.1f GB/s, %.1f times as fast",
		r.GBs(r.Scan), r.Bytes>>20, r.Blocks, r.Found, r.GBs(r.Read), float64(r.Scan)/float64(max(r.Read, 1)))
}
