package latency

import "math/bits"

// A bucket holds 1/64 of an octave: values below 64 have a bucket each, above
// that the top seven bits of a value choose its bucket.
const (
	subBits = 6
	subs    = 1 << subBits
	buckets = subs * (64 - subBits + 1)
)

// Histogram counts values in log-linear buckets. The zero Histogram is empty
// and ready; it is 15 KiB, of which a steady load touches a line or two.
type Histogram struct {
	counts [buckets]uint32
	n      uint64
	sum    uint64
	max    uint64
}

// Add counts one value. It never allocates.
func (h *Histogram) Add(v uint64) {
	h.counts[index(v)]++
	h.n++
	h.sum += v
	if v > h.max {
		h.max = v
	}
}

// Merge adds the counts of o.
func (h *Histogram) Merge(o *Histogram) {
	for i, c := range o.counts {
		h.counts[i] += c
	}
	h.n += o.n
	h.sum += o.sum
	h.max = max(h.max, o.max)
}

// Reset empties h.
func (h *Histogram) Reset() { *h = Histogram{} }

// Count returns how many values were added.
func (h *Histogram) Count() uint64 { return h.n }

// Mean returns the exact mean of the values, 0 if there are none.
func (h *Histogram) Mean() float64 {
	if h.n == 0 {
		return 0
	}
	return float64(h.sum) / float64(h.n)
}

// Quantile returns the value at q (0 to 1) by nearest rank, as the middle of
// its bucket and never above the largest value added; 0 if h is empty.
func (h *Histogram) Quantile(q float64) float64 {
	if h.n == 0 {
		return 0
	}
	rank := nearestRank(q, h.n)
	var seen uint64
	for i, c := range h.counts {
		seen += uint64(c)
		if seen >= rank {
			return min(middle(i), float64(h.max))
		}
	}
	return float64(h.max)
}

// index returns the bucket of v.
func index(v uint64) int {
	if v < subs {
		return int(v)
	}
	shift := bits.Len64(v) - 1 - subBits // 0 for the first octave above subs
	return shift*subs + int(v>>shift)
}

// middle returns the middle of bucket i, the inverse of index.
func middle(i int) float64 {
	if i < subs {
		return float64(i)
	}
	shift := i/subs - 1
	low := uint64(i-shift*subs) << shift
	return float64(low) + float64(uint64(1)<<shift-1)/2
}

// nearestRank returns the rank, from 1, of quantile q among n values.
func nearestRank(q float64, n uint64) uint64 {
	rank := uint64(q*float64(n) + 0.999999)
	return min(max(rank, 1), n)
}
