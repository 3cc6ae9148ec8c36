package stack

import "encoding/binary"

// pages keeps what was read of images during one walk.
type pages struct {
	code map[uint64][]span // by image base; nil where the headers are not in memory
}

// span is a stretch of an image, as offsets from its base.
type span struct{ begin, end uint64 }

// minHeaders is less than the headers of any image: 40h bytes of the DOS header, F8h
// of the PE headers (108h with 64 bits), 28h of one section.
const minHeaders = 0x160

// maxSections bounds the section table (PE format: a loader takes 96).
const maxSections = 96

// executable says whether an address of an image can be code: where the headers are
// in memory, whether its section may be executed; else only that it does not lie in
// the headers, since an image's base stands on many stacks.
func (in *Input) executable(m Image, va uint64) bool {
	at := va - m.Base
	if at < minHeaders {
		return false
	}
	spans, seen := in.pages.code[m.Base]
	if !seen {
		spans = in.sections(m)
		in.pages.code[m.Base] = spans
	}
	if spans == nil {
		return true
	}
	for _, s := range spans {
		// A call may be the last instruction of its section.
		if at > s.begin && at <= s.end {
			return true
		}
	}
	return false
}

// sections are the executable sections of an image by its headers in memory (PE
// format, section table); nil when they are not there or name none.
func (in *Input) sections(m Image) []span {
	nt, ok := in.peHeader(m)
	if !ok {
		return nil
	}
	count, ok1 := in.half(nt + 6)
	optional, ok2 := in.half(nt + 0x14)
	if !ok1 || !ok2 || count == 0 || count > maxSections {
		return nil
	}
	var spans []span
	for i := range uint64(count) {
		var b [0x28]byte
		if n, _ := in.Memory.ReadMemory(nt+0x18+uint64(optional)+0x28*i, b[:]); n < len(b) {
			return nil
		}
		const execute = 0x20000000 // IMAGE_SCN_MEM_EXECUTE
		if binary.LittleEndian.Uint32(b[0x24:])&execute == 0 {
			continue
		}
		begin, size := uint64(binary.LittleEndian.Uint32(b[0xc:])), uint64(binary.LittleEndian.Uint32(b[8:]))
		spans = append(spans, span{begin, begin + size})
	}
	return spans
}

// peHeader is the address of an image's PE signature.
func (in *Input) peHeader(m Image) (uint64, bool) {
	lfanew, ok := in.word(m.Base+0x3c, 4)
	if mz, there := in.half(m.Base); !ok || !there || mz != 0x5a4d || lfanew > 0x1000 || lfanew%4 != 0 {
		return 0, false
	}
	sig, ok := in.word(m.Base+lfanew, 4)
	return m.Base + lfanew, ok && sig == 0x4550
}
