package access

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/security"
)

// The bytes of the first two are those that Microsoft's documentation shows for
// the accounts; the rest follow from MS-DTYP 2.4.2.2.
var sids = []struct{ text, bytes string }{
	{"S-1-1-0", "010100000000000100000000"},
	{"S-1-5-18", "010100000000000512000000"},
	{"S-1-5-32-544", "01020000000000052000000020020000"},
	{"S-1-22-1-1000", "010200000000001601000000e8030000"},
	{"S-1-22-2-4294967295", "010200000000001602000000ffffffff"},
	{"S-1-5", "0100000000000005"},
	{"S-1-4294967295-1", "01010000ffffffff01000000"},
	{"S-1-0x000100000000-1", "010100010000000001000000"},
	{"S-1-0xffffffffffff-1", "0101ffffffffffff01000000"},
	{"S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15", "010f000000000005" +
		"0100000002000000030000000400000005000000060000000700000008000000090000000a0000000b0000000c0000000d0000000e0000000f000000"},
}

func TestSID(t *testing.T) {
	for _, c := range sids {
		want, err := hex.DecodeString(c.bytes)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ParseSID(c.text)
		if err != nil {
			t.Errorf("parsing %s: %v", c.text, err)
			continue
		}
		if s.String() != c.text {
			t.Errorf("%s prints as %s", c.text, s)
		}
		got, _ := s.AppendBinary([]byte("x"))
		if !bytes.Equal(got[1:], want) || s.Size() != len(want) {
			t.Errorf("%s: size %d, bytes %x, want %x", c.text, s.Size(), got[1:], want)
		}
		back, n, err := DecodeSID(append(want, 0xff)) // the byte behind it is not its
		if err != nil || n != len(want) || back != s {
			t.Errorf("%s: read back as %v, %d bytes, error %v", c.text, back, n, err)
		}
		if _, _, err := DecodeSID(want[:len(want)-1]); err == nil {
			t.Errorf("%s: a byte short is no error", c.text)
		}
		var u SID
		if text, _ := s.MarshalText(); u.UnmarshalText(text) != nil || u != s {
			t.Errorf("%s: as text %s, read back as %v", c.text, text, u)
		}
	}
}

func TestNoSID(t *testing.T) {
	var s SID
	if b, err := s.AppendBinary(nil); !s.IsZero() || s.Size() != 0 || len(b) != 0 || err != nil || s.String() != "" {
		t.Errorf("size %d, bytes %x, text %q, error %v", s.Size(), b, s, err)
	}
	s = System
	if err := s.UnmarshalText(nil); err != nil || !s.IsZero() {
		t.Errorf("from no text: %v, error %v", s, err)
	}
	if s.Names(security.Identity{}) {
		t.Error("no SID names root")
	}
}

func TestSIDTextErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                         `offset 0x0: "", expected S`,
		"X-1-5":                    `offset 0x0: "X", expected S`,
		"S":                        `offset 0x2: revision "", expected 1`,
		"S-2-5-18":                 `offset 0x2: revision "2", expected 1`,
		"S-1":                      `offset 0x4: authority "", expected a number of at most 48 bits`,
		"S-1-":                     `offset 0x4: authority "", expected a number of at most 48 bits`,
		"S-1-0x1000000000000-1":    `offset 0x4: authority "0x1000000000000", expected a number of at most 48 bits`,
		"S-1-0x-1":                 `authority "0x"`,
		"S-1-281474976710656-1":    `authority "281474976710656"`,
		"S-1-05-1":                 `authority "05"`,
		"S-1-5-":                   `offset 0x6: sub-authority "", expected a decimal number of 32 bits`,
		"S-1-5--1":                 `offset 0x6: sub-authority ""`,
		"S-1-5-+1":                 `offset 0x6: sub-authority "+1"`,
		"S-1-5-01":                 `offset 0x6: sub-authority "01"`,
		"S-1-5-4294967296":         `offset 0x6: sub-authority "4294967296"`,
		"S-1-5-18 ":                `offset 0x6: sub-authority "18 "`,
		"S-1-5-0x12":               `offset 0x6: sub-authority "0x12"`,
		"S-1-5-1_0":                `offset 0x6: sub-authority "1_0"`,
		"S-1-5-18-":                `offset 0x9: sub-authority ""`,
		"S-1-5" + many(16):         `offset 0x24: more than 15 sub-authorities`,
		"S-1-5" + many(15) + "-":   `offset 0x24: sub-authority ""`,
		"S-1-5" + many(1000) + "x": `offset 0x24: more than 15 sub-authorities`,
	} {
		s, err := ParseSID(text)
		var e *Error
		if err == nil || !errors.As(err, &e) || e.Part != PartSID || !strings.Contains(err.Error(), want) || !s.IsZero() {
			t.Errorf("%q: got %v and error %v, want %s", text, s, err, want)
		}
		u := System
		if err := u.UnmarshalText([]byte(text)); text != "" && (err == nil || u != System) {
			t.Errorf("%q: a failed UnmarshalText makes it %v", text, u)
		}
	}
}

func many(n int) string { return strings.Repeat("-1", n) }

func TestNewSIDLimits(t *testing.T) {
	if s, err := NewSID(1<<48-1, make([]uint32, 15)...); err != nil || s.Size() != 68 {
		t.Errorf("at the limits: %v, error %v", s, err)
	}
	if s, err := NewSID(1 << 48); err == nil || !s.IsZero() {
		t.Errorf("49 bits of authority: %v", s)
	}
	if s, err := NewSID(5, make([]uint32, 16)...); err == nil || !s.IsZero() {
		t.Errorf("16 sub-authorities: %v", s)
	}
}

func TestSIDBinaryErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "reading SID at offset 0x0: 0 bytes, expected at least 8",
		"01010000000000":           "reading SID at offset 0x0: 7 bytes, expected at least 8",
		"000100000000000100000000": "reading SID at offset 0x0: revision 0, expected 1",
		"020100000000000100000000": "reading SID at offset 0x0: revision 2, expected 1",
		"0110000000000001" + strings.Repeat("00000000", 16): "reading SID at offset 0x1: 16 sub-authorities, expected at most 15",
		"01ff000000000001": "reading SID at offset 0x1: 255 sub-authorities, expected at most 15",
		"0102000000000001": "reading SID at offset 0x0: 8 bytes, expected 16 for 2 sub-authorities",
	} {
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if s, n, err := DecodeSID(b); err == nil || err.Error() != want || n != 0 || !s.IsZero() {
			t.Errorf("%s: got %v, %d bytes, error %v, want %s", in, s, n, err, want)
		}
	}
}

func TestUsersAndGroups(t *testing.T) {
	for _, c := range []struct {
		sid      SID
		text     string
		uid, gid int64 // -1: none
	}{
		{User(0), "S-1-5-18", 0, -1},
		{User(1000), "S-1-22-1-1000", 1000, -1},
		{User(1<<32 - 2), "S-1-22-1-4294967294", 1<<32 - 2, -1},
		{Group(0), "S-1-22-2-0", -1, 0},
		{Group(100), "S-1-22-2-100", -1, 100},
		{mustSID(22, 1, 0), "S-1-22-1-0", 0, -1},
		{mustSID(22, 3, 7), "S-1-22-3-7", -1, -1},
		{mustSID(22, 1), "S-1-22-1", -1, -1},
		{mustSID(22, 1, 2, 3), "S-1-22-1-2-3", -1, -1},
		{mustSID(5, 1, 1000), "S-1-5-1-1000", -1, -1},
		{Everyone, "S-1-1-0", -1, -1},
		{SID{}, "", -1, -1},
	} {
		uid, gid := int64(-1), int64(-1)
		if n, ok := c.sid.UID(); ok {
			uid = int64(n)
		}
		if n, ok := c.sid.GID(); ok {
			gid = int64(n)
		}
		if c.sid.String() != c.text || uid != c.uid || gid != c.gid {
			t.Errorf("%s: got %v, uid %d, gid %d, want uid %d, gid %d", c.text, c.sid, uid, gid, c.uid, c.gid)
		}
	}
}
