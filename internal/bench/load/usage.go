package load

import "runtime"

// meter counts what this process uses between two points.
type meter struct {
	mallocs uint64
	cpu     float64
}

func startMeter() (m meter) {
	m.mallocs = mallocs()
	m.cpu = CPUSeconds()
	return m
}

// stop puts the use since the start into r, per call where the field says so.
func (m meter) stop(r *Result) {
	r.CPU = CPUSeconds() - m.cpu
	r.Allocs = per(mallocs()-m.mallocs, r.Calls)
}

// mallocs counts the heap objects made so far. It stops the world: not while
// stamps are taken.
func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

func per(n, calls uint64) float64 {
	if calls == 0 {
		return 0
	}
	return float64(n) / float64(calls)
}
