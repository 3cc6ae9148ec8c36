package kd

import (
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// realMode is an address as real mode has it: the processor adds offset to 16 times
// segment (Intel SDM volume 3, section 21.1.1).
type realMode struct{ seg, off uint16 }

func (r realMode) linear() uint64 { return uint64(r.seg)<<4 + uint64(r.off) }

func (r realMode) String() string { return fmt.Sprintf("%04x:%04x", r.seg, r.off) }

// realModeAddress reads seg:off, both hexadecimal; off may be a sum. WinDbg's & in
// front is taken too. ok is false when the word is no such address.
func (s *Session) realModeAddress(word string) (r realMode, ok bool, err error) {
	head, tail, ok := strings.Cut(strings.TrimPrefix(word, "&"), ":")
	if !ok {
		return r, false, nil
	}
	if strings.Contains(tail, ":") {
		return r, true, fmt.Errorf("%s has two colons, expected segment:offset", escape.Text(word))
	}
	seg, err := number(head)
	if err != nil {
		return r, true, fmt.Errorf("%w (in %s)", err, escape.Text(word))
	}
	off, err := s.address(tail)
	if err != nil {
		return r, true, fmt.Errorf("%w (in %s)", err, escape.Text(word))
	}
	if seg > 0xffff || off > 0xffff {
		return r, true, fmt.Errorf("%s is no address of real mode: segment and offset are at most ffff", escape.Text(word))
	}
	return realMode{uint16(seg), uint16(off)}, true, nil
}
