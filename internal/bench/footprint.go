package bench

// footprint is what a process holds.
type footprint struct {
	residentKB     float64 // shared pages included
	proportionalKB float64 // shared pages divided by their users
	sharedKB       float64 // resident pages of memfds: channels, sections, pools
	descriptors    float64
}

// since returns the growth from before, divided by n.
func (f footprint) since(before footprint, n float64) footprint {
	return footprint{
		residentKB:     (f.residentKB - before.residentKB) / n,
		proportionalKB: (f.proportionalKB - before.proportionalKB) / n,
		sharedKB:       (f.sharedKB - before.sharedKB) / n,
		descriptors:    (f.descriptors - before.descriptors) / n,
	}
}

// plus adds two footprints.
func (f footprint) plus(g footprint) footprint {
	return footprint{
		residentKB:     f.residentKB + g.residentKB,
		proportionalKB: f.proportionalKB + g.proportionalKB,
		sharedKB:       f.sharedKB + g.sharedKB,
		descriptors:    f.descriptors + g.descriptors,
	}
}
