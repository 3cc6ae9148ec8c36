package latency

import "slices"

// Samples keeps values exactly, up to a fixed number; what comes after that is
// counted in the mean only.
type Samples struct {
	kept []uint64
	n    uint64
	sum  uint64
}

// NewSamples returns Samples that keep the first limit values.
func NewSamples(limit int) *Samples {
	return &Samples{kept: make([]uint64, 0, limit)}
}

// Add takes one value. It never allocates.
func (s *Samples) Add(v uint64) {
	if len(s.kept) < cap(s.kept) {
		s.kept = append(s.kept, v)
	}
	s.n++
	s.sum += v
}

// Merge adds the values of o, as far as there is room.
func (s *Samples) Merge(o *Samples) {
	room := min(len(o.kept), cap(s.kept)-len(s.kept))
	s.kept = append(s.kept, o.kept[:room]...)
	s.n += o.n
	s.sum += o.sum
}

// Reset empties s and keeps its memory.
func (s *Samples) Reset() { s.kept, s.n, s.sum = s.kept[:0], 0, 0 }

// Count returns how many values were added.
func (s *Samples) Count() uint64 { return s.n }

// Mean returns the mean of all values added, 0 if there are none.
func (s *Samples) Mean() float64 {
	if s.n == 0 {
		return 0
	}
	return float64(s.sum) / float64(s.n)
}

// Quantile returns the value at q (0 to 1) by nearest rank among those kept,
// 0 if there are none. It sorts them.
func (s *Samples) Quantile(q float64) float64 {
	if len(s.kept) == 0 {
		return 0
	}
	slices.Sort(s.kept)
	return float64(s.kept[nearestRank(q, uint64(len(s.kept)))-1])
}
