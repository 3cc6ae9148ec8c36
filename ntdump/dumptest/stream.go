package dumptest

import (
	"bufio"
	"io"
	"slices"
)

// WriteBitmap writes the machine as a kernel dump, with further physical pages that are
// made as they are written: for dumps that are larger than a test can hold. fill gets
// the number of a page of more, from 0 on, and the page, which holds what the page
// before had. The pages of more lie above those of the machine; Entry maps them.
func (m *Machine) WriteBitmap(w io.Writer, more Run, fill func(i uint64, page []byte)) error {
	m.writeDebuggerData()
	m.buildTables()
	own := make([]uint64, 0, len(m.phys))
	for f := range m.phys {
		if f >= more.Base {
			panic("dumptest: the further pages do not lie above the machine's")
		}
		own = append(own, f)
	}
	slices.Sort(own)
	all := slices.Clone(own)
	for i := range more.Count {
		all = append(all, more.Base+i)
	}
	second := m.bitmapHeader(all)
	out := bufio.NewWriterSize(w, 1<<20)
	_, _ = out.Write(m.header(BitmapKernel, uint64(m.Bits)*128+uint64(len(second)+len(all)*page), nil)) // the first error sticks
	_, _ = out.Write(second)
	for _, f := range own {
		_, _ = out.Write(m.phys[f])
	}
	b := make([]byte, page)
	for i := range more.Count {
		fill(i, b)
		_, _ = out.Write(b)
	}
	return out.Flush()
}
