package latency

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestBucketsAreContiguous walks every bucket edge: indexes never skip or go
// back, and the middle of a bucket lies in it.
func TestBucketsAreContiguous(t *testing.T) {
	last := -1
	for shift := range 64 {
		for _, v := range []uint64{1<<shift - 1, 1 << shift, 1<<shift + 1} {
			i := index(v)
			if i < 0 || i >= buckets {
				t.Fatalf("index(%d) = %d, outside 0..%d", v, i, buckets-1)
			}
			if v >= 2 && i < last {
				t.Fatalf("index(%d) = %d after %d", v, i, last)
			}
			last = max(last, i)
			if got := index(uint64(middle(i))); got != i && middle(i) < 1<<53 {
				t.Errorf("the middle of bucket %d, %.0f, is in bucket %d", i, middle(i), got)
			}
		}
	}
	if got := index(math.MaxUint64); got != buckets-1 {
		t.Errorf("the largest value is in bucket %d of %d", got, buckets)
	}
}

// TestBucketError holds every value against the promise of the package: its
// bucket's middle is off by at most 1 part in 128.
func TestBucketError(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		v := r.Uint64() >> r.IntN(64)
		got := middle(index(v))
		if diff := math.Abs(got - float64(v)); diff > float64(v)/128+1e-9 {
			t.Fatalf("value %d is told as %.1f, off by %.1f", v, got, diff)
		}
	}
}

// TestQuantilesAgainstSamples compares the two ways to a percentile.
func TestQuantilesAgainstSamples(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var h Histogram
	s := NewSamples(100_000)
	for range 100_000 {
		v := uint64(math.Exp(r.NormFloat64()*1.5 + 6))
		h.Add(v)
		s.Add(v)
	}
	if h.Mean() != s.Mean() || h.Count() != s.Count() {
		t.Errorf("mean %v of %d, exact %v of %d", h.Mean(), h.Count(), s.Mean(), s.Count())
	}
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		got, want := h.Quantile(q), s.Quantile(q)
		if math.Abs(got-want) > want/128+1 {
			t.Errorf("quantile %v is %v, exact %v", q, got, want)
		}
	}
}

func TestMergeIsSum(t *testing.T) {
	var a, b, both Histogram
	for v := range uint64(1000) {
		a.Add(v)
		b.Add(v * 1000)
		both.Add(v)
		both.Add(v * 1000)
	}
	a.Merge(&b)
	if a != both {
		t.Error("merging two histograms differs from adding to one")
	}
	a.Reset()
	if a != (Histogram{}) || a.Quantile(0.5) != 0 || a.Mean() != 0 {
		t.Error("a reset histogram is not empty")
	}
}

func TestNearestRank(t *testing.T) {
	for _, c := range []struct {
		q    float64
		n    uint64
		want uint64
	}{
		{0, 1, 1}, {1, 1, 1}, {0.5, 1, 1},
		{0.5, 2, 1}, {0.5, 3, 2}, {0.5, 4, 2},
		{0.99, 100, 99}, {0.99, 101, 100}, {0.999, 1000, 999}, {1, 10, 10},
	} {
		if got := nearestRank(c.q, c.n); got != c.want {
			t.Errorf("rank of %v among %d is %d, want %d", c.q, c.n, got, c.want)
		}
	}
}

func TestSamplesBeyondLimit(t *testing.T) {
	s := NewSamples(4)
	for v := range uint64(8) {
		s.Add(v)
	}
	if s.Count() != 8 || s.Mean() != 3.5 || s.Quantile(1) != 3 {
		t.Errorf("count %d mean %v top %v, want 8 3.5 3", s.Count(), s.Mean(), s.Quantile(1))
	}
	more := NewSamples(6)
	more.Add(10)
	more.Merge(s)
	more.Merge(s)
	if more.Count() != 17 || more.Mean() != 66.0/17 || more.Quantile(1) != 10 || more.Quantile(0.5) != 1 {
		t.Errorf("merged: count %d mean %v top %v middle %v", more.Count(), more.Mean(), more.Quantile(1), more.Quantile(0.5))
	}
	s.Reset()
	if s.Count() != 0 || s.Quantile(0.5) != 0 || s.Mean() != 0 {
		t.Error("reset samples are not empty")
	}
}

// TestAddDoesNotAllocate guards the hot path.
func TestAddDoesNotAllocate(t *testing.T) {
	h, s := new(Histogram), NewSamples(10)
	c := Calibrate(0)
	if n := testing.AllocsPerRun(100, func() {
		from := c.Now()
		h.Add(Since(from, c.Now()))
		s.Add(1)
	}); n != 0 {
		t.Errorf("a stamp allocates %v times", n)
	}
}
