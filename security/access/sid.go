package access

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxSubAuthorities is the most sub-authorities that a SID has (MS-DTYP 2.4.2).
const MaxSubAuthorities = 15

const maxAuthority = 1<<48 - 1

// SID names an account, NT's security identifier (MS-DTYP 2.4.2). SIDs are
// comparable with == and may be map keys. The zero SID is none at all.
type SID struct {
	revision  uint8  // 1; 0 in the zero SID
	count     uint8  // of sub that are used; the others are zero
	authority uint64 // 48 bits
	sub       [MaxSubAuthorities]uint32
}

// NewSID returns the SID S-1-authority-sub..., or an error if authority has more
// than 48 bits or there are more than 15 sub-authorities.
func NewSID(authority uint64, sub ...uint32) (SID, error) {
	if authority > maxAuthority {
		return SID{}, malformed(PartSID, 0, "authority %#x, expected at most %#x", authority, uint64(maxAuthority))
	}
	if len(sub) > MaxSubAuthorities {
		return SID{}, malformed(PartSID, 0, "%d sub-authorities, expected at most %d", len(sub), MaxSubAuthorities)
	}
	s := SID{revision: 1, count: uint8(len(sub)), authority: authority}
	copy(s.sub[:], sub)
	return s, nil
}

// mustSID is for SIDs known to fit.
func mustSID(authority uint64, sub ...uint32) SID {
	s, err := NewSID(authority, sub...)
	if err != nil {
		panic(err)
	}
	return s
}

// IsZero reports whether s is none at all.
func (s SID) IsZero() bool { return s.revision == 0 }

// String gives the SID as NT prints it (MS-DTYP 2.4.2.1): "S-1-5-18". An
// authority of more than 32 bits is in hex. The zero SID gives "".
func (s SID) String() string {
	if s.IsZero() {
		return ""
	}
	b := make([]byte, 0, 24)
	b = append(b, "S-1-"...)
	if s.authority < 1<<32 {
		b = strconv.AppendUint(b, s.authority, 10)
	} else {
		b = fmt.Appendf(b, "0x%012x", s.authority)
	}
	for _, sub := range s.sub[:s.count] {
		b = append(b, '-')
		b = strconv.AppendUint(b, uint64(sub), 10)
	}
	return string(b)
}

// ParseSID reads a SID as String prints it. The S may be small, and an authority
// may be decimal or 0x and hex; signs, spaces and leading zeros are refused. The
// offset of an error counts bytes of text.
func ParseSID(text string) (SID, error) {
	rest, at := text, 0
	// next takes the part up to the next dash, and remembers where it stood.
	next := func() (part string, pos int) {
		part, tail, found := strings.Cut(rest, "-")
		pos, rest = at, tail
		at += len(part)
		if found {
			at++
		} else {
			at = len(text) + 1 // beyond the end: no further part
		}
		return part, pos
	}
	if p, pos := next(); p != "S" && p != "s" {
		return SID{}, malformed(PartSID, pos, "%q, expected S", p)
	}
	if p, pos := next(); p != "1" {
		return SID{}, malformed(PartSID, pos, "revision %q, expected 1", p)
	}
	p, pos := next()
	authority, ok := parseAuthority(p)
	if !ok {
		return SID{}, malformed(PartSID, pos, "authority %q, expected a number of at most 48 bits", p)
	}
	s := SID{revision: 1, authority: authority}
	for at <= len(text) {
		p, pos := next()
		sub, ok := parseNumber(p, 10, 1<<32-1)
		if !ok {
			return SID{}, malformed(PartSID, pos, "sub-authority %q, expected a decimal number of 32 bits", p)
		}
		if s.count == MaxSubAuthorities {
			return SID{}, malformed(PartSID, pos, "more than %d sub-authorities", MaxSubAuthorities)
		}
		s.sub[s.count] = uint32(sub)
		s.count++
	}
	return s, nil
}

func parseAuthority(p string) (uint64, bool) {
	if len(p) > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') {
		p = strings.TrimLeft(p[2:], "0")
		if p == "" {
			p = "0"
		}
		return parseNumber(p, 16, maxAuthority)
	}
	return parseNumber(p, 10, maxAuthority)
}

// parseNumber is stricter than strconv: digits only, no leading zeros.
func parseNumber(p string, base int, most uint64) (uint64, bool) {
	if len(p) > 1 && p[0] == '0' || strings.ContainsAny(p, "+-_") {
		return 0, false
	}
	n, err := strconv.ParseUint(p, base, 64)
	return n, err == nil && n <= most
}

// MarshalText implements encoding.TextMarshaler.
func (s SID) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler: what ParseSID reads, and
// nothing for the zero SID.
func (s *SID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = SID{}
		return nil
	}
	parsed, err := ParseSID(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}
