package stack

import "github.com/seed-eedd8485/lpc/ntdump/pe"

// header is what an image's headers say, nil where they are not in memory. They are
// read once in a walk.
func (in *Input) header(m Image) *pe.Image {
	h, seen := in.headers[m.Base]
	if !seen {
		h, _ = pe.Loaded(in.Memory, m.Base) // why not is of no use: a scan must do
		in.headers[m.Base] = h
	}
	return h
}

// minHeaders is less than the headers of any image: 40h bytes of the DOS header, F8h
// of the PE headers (108h with 64 bits), 28h of one section.
const minHeaders = 0x160

// executable says whether an address of an image can be code: where the headers are
// in memory, whether its section may be executed; else only that it does not lie in
// the headers, since an image's base stands on many stacks.
func (in *Input) executable(m Image, va uint64) bool {
	at := va - m.Base
	if at < minHeaders {
		return false
	}
	h := in.header(m)
	if h == nil {
		return true
	}
	told := false
	for _, s := range h.Sections {
		const execute = 0x20000000 // IMAGE_SCN_MEM_EXECUTE
		if s.Features&execute == 0 {
			continue
		}
		told = true
		// A call may be the last instruction of its section.
		if begin := uint64(s.RVA); at > begin && at <= begin+uint64(s.Size) {
			return true
		}
	}
	return !told
}
