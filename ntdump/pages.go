package ntdump

// pageMap tells where in the file a physical page stands. Implementations are
// immutable and may be used by any number of goroutines.
type pageMap interface {
	// find returns the file offset of the page, and how many pages from it on, at
	// least one, follow each other both in memory and in the file. ok is false
	// when the dump does not hold the page.
	find(pfn uint64) (off int64, more uint64, ok bool, err error)
	// next returns the first page at or above pfn that the dump holds.
	next(pfn uint64) (first uint64, ok bool, err error)
	// pages is the number of pages that the dump says it holds.
	pages() uint64
	// end is the highest page number plus one.
	end() uint64
}

// maxPFN bounds page numbers: physical addresses have at most 52 bits on the
// machines that are read here.
const maxPFN = 1 << 40
