package ntdump

import (
	"fmt"
	"slices"
	"sort"
)

// run is a number of physical pages that follow each other.
type run struct {
	base, count uint64 // in pages
	off         int64  // of the first one in the file
}

// runs is the map of a full dump: the pages of the header's runs, one run after
// the other, from the end of the header on.
type runs struct {
	list  []run // by base; no two overlap; none is empty
	total uint64
}

// newRuns checks the runs of a header and places them.
func newRuns(list []run, headerBytes int64) (*runs, error) {
	m := &runs{}
	for i, r := range list {
		if r.count == 0 {
			continue
		}
		if r.base >= maxPFN || r.count > maxPFN-r.base {
			return nil, fmt.Errorf("reading physical memory runs: run %d has %#x pages from page %#x on, expected page numbers below %#x", i, r.count, r.base, uint64(maxPFN))
		}
		if m.total > maxPFN-r.count {
			return nil, fmt.Errorf("reading physical memory runs: more than %#x pages in %d runs", uint64(maxPFN), i+1)
		}
		r.off = headerBytes + int64(m.total)*pageBytes
		m.total += r.count
		m.list = append(m.list, r)
	}
	slices.SortFunc(m.list, func(a, b run) int {
		if a.base < b.base {
			return -1
		}
		return 1
	})
	for i := 1; i < len(m.list); i++ {
		if prev := m.list[i-1]; prev.base+prev.count > m.list[i].base {
			return nil, fmt.Errorf("reading physical memory runs: page %#x stands in two runs, expected runs that do not overlap", m.list[i].base)
		}
	}
	return m, nil
}

// at is the index of the first run that ends behind pfn.
func (m *runs) at(pfn uint64) int {
	return sort.Search(len(m.list), func(i int) bool { return m.list[i].base+m.list[i].count > pfn })
}

func (m *runs) find(pfn uint64) (int64, uint64, bool, error) {
	i := m.at(pfn)
	if i == len(m.list) || m.list[i].base > pfn {
		return 0, 0, false, nil
	}
	r := m.list[i]
	return r.off + int64(pfn-r.base)*pageBytes, r.base + r.count - pfn, true, nil
}

func (m *runs) next(pfn uint64) (uint64, bool, error) {
	i := m.at(pfn)
	if i == len(m.list) {
		return 0, false, nil
	}
	return max(pfn, m.list[i].base), true, nil
}

func (m *runs) pages() uint64 { return m.total }

func (m *runs) end() uint64 {
	if len(m.list) == 0 {
		return 0
	}
	last := m.list[len(m.list)-1]
	return last.base + last.count
}
