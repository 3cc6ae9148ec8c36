package floor

import "unsafe"

// Layout of shared memory: words, each alone in its pair of cache lines, as the
// processor prefetches lines in pairs, then data.
const (
	wordStride = 128
	words      = 8
	wordBytes  = 4096 // words and what fills their page
)

// Page is memory shared by two processes: a few words and some data. It may be
// used until Close; who may touch what when is its users' agreement.
type Page struct{ bytes []byte }

// Word returns word i, below 8. Sound because the offset is a multiple of 128
// inside the first page, which is mapped until Close.
func (p *Page) Word(i int) *uint64 {
	return (*uint64)(unsafe.Pointer(&p.bytes[i%words*wordStride]))
}

// Data returns the memory behind the words.
func (p *Page) Data() []byte { return p.bytes[wordBytes:] }
