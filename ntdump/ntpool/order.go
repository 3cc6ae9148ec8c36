package ntpool

import (
	"cmp"
	"math/bits"
	"slices"
)

const (
	digitBits  = 11
	sortLittle = 1 << 10 // fewer are sorted by comparing
)

// inFileOrder sorts places by physical address, digit by digit of the page number where
// they are many: a window of a million is sorted in the time of a few per cent of the
// read. tmp is room for it, which it returns for the next time.
func inFileOrder(w, tmp []place) []place {
	byPlace := func(a, b place) int { return cmp.Compare(a.at, b.at) }
	if slices.IsSortedFunc(w, byPlace) {
		return tmp
	}
	if len(w) < sortLittle {
		slices.SortFunc(w, byPlace)
		return tmp
	}
	differ := uint64(0)
	for _, p := range w {
		differ |= p.physical() ^ w[0].physical()
	}
	tmp = slices.Grow(tmp[:0], len(w))[:len(w)]
	from, to := w, tmp
	for shift := uint(bits.TrailingZeros(pageBytes)); differ>>shift != 0; shift += digitBits {
		var at [1 << digitBits]uint32 // a window has far fewer places than 2^32
		for _, p := range from {
			at[p.at>>shift%(1<<digitBits)]++
		}
		sum := uint32(0)
		for i, n := range at {
			at[i], sum = sum, sum+n
		}
		for _, p := range from {
			d := &at[p.at>>shift%(1<<digitBits)]
			to[*d] = p
			*d++
		}
		from, to = to, from
	}
	if &from[0] != &w[0] {
		copy(w, from)
	}
	return tmp
}
