package isf

import (
	"cmp"
	"slices"
	"sort"
)

// symbols answers by name and by address.
type symbols struct {
	byName map[string]uint64
	all    []Symbol // by address; of those at one address the first described
	sized  []Symbol // those whose end is known, by address
}

func indexSymbols(list []Symbol) symbols {
	s := symbols{byName: make(map[string]uint64, len(list)), all: slices.Clone(list)}
	for _, sym := range list {
		if _, twice := s.byName[sym.Name]; !twice {
			s.byName[sym.Name] = sym.RVA // two static functions of one name: the first
		}
		if sym.Size > 0 {
			s.sized = append(s.sized, sym)
		}
	}
	byAddress := func(a, b Symbol) int { return cmp.Compare(a.RVA, b.RVA) }
	slices.SortStableFunc(s.all, byAddress)
	slices.SortStableFunc(s.sized, byAddress)
	s.all = slices.CompactFunc(s.all, func(a, b Symbol) bool { return a.RVA == b.RVA })
	return s
}

// nearest prefers the function that the address lies in to a nearer name: a label
// within a function is not what a call stack wants to show.
func (s *symbols) nearest(rva uint64) (name string, distance uint64, ranges, ok bool) {
	if sym := below(s.sized, rva); sym != nil && rva-sym.RVA < sym.Size {
		return sym.Name, rva - sym.RVA, true, true
	}
	if sym := below(s.all, rva); sym != nil {
		return sym.Name, rva - sym.RVA, false, true
	}
	return "", 0, false, false
}

// below is the last symbol at or below an address.
func below(list []Symbol, rva uint64) *Symbol {
	i := sort.Search(len(list), func(i int) bool { return list[i].RVA > rva })
	if i == 0 {
		return nil
	}
	return &list[i-1]
}

// next is the first symbol above an address.
func (s *symbols) next(rva uint64) (Symbol, bool) {
	i := sort.Search(len(s.all), func(i int) bool { return s.all[i].RVA > rva })
	if i == len(s.all) {
		return Symbol{}, false
	}
	return s.all[i], true
}
