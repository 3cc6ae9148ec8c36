package access

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/seed-eedd8485/lpc/security"
)

// FuzzDecode holds what is read against what is written from it: both readings
// are the same value, and the second writing is the same bytes.
func FuzzDecode(f *testing.F) {
	f.Add(unhex(f, byHand))
	for _, d := range []*Descriptor{{}, {Control: DACLPresent}, Default(security.Identity{UID: 1}),
		{Control: SACLPresent | DACLPresent, SACL: &ACL{}, DACL: &ACL{Entries: []ACE{{Type: 9, Data: make([]byte, 4)}}}}} {
		b, _ := d.AppendBinary(nil)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Decode(b)
		if err != nil {
			inside(t, err, b)
			return
		}
		w, err := d.AppendBinary(nil)
		if err != nil {
			t.Fatalf("%v cannot be written: %v", d, err)
		}
		back, err := Decode(w)
		if err != nil || !reflect.DeepEqual(back, d) {
			t.Fatalf("%+v read back as %+v, error %v", d, back, err)
		}
		if again, err := back.AppendBinary(nil); err != nil || !bytes.Equal(again, w) {
			t.Fatalf("written %x, then %x, error %v", w, again, err)
		}
		agree(t, d)
	})
}

// FuzzDecodeACL does the same for a list alone.
func FuzzDecodeACL(f *testing.F) {
	f.Add(unhex(f, byHand)[0x30:])
	f.Add([]byte{2, 0, 8, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		l, n, err := DecodeACL(b)
		if err != nil {
			inside(t, err, b)
			return
		}
		w, err := l.AppendBinary(nil)
		if err != nil || len(w) > n || n > len(b) {
			t.Fatalf("%d bytes of %d, written as %d, error %v", n, len(b), len(w), err)
		}
		if back, _, err := DecodeACL(w); err != nil || !reflect.DeepEqual(back, l) {
			t.Fatalf("%+v read back as %+v, error %v", l, back, err)
		}
	})
}

// FuzzDecodeSID does the same for a SID, through its text too.
func FuzzDecodeSID(f *testing.F) {
	for _, c := range sids {
		f.Add(unhex(f, c.bytes))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, n, err := DecodeSID(b)
		if err != nil {
			inside(t, err, b)
			return
		}
		if w, _ := s.AppendBinary(nil); !bytes.Equal(w, b[:n]) || s.IsZero() {
			t.Fatalf("%x written as %x", b[:n], w)
		}
		if back, err := ParseSID(s.String()); err != nil || back != s {
			t.Fatalf("%v parsed as %v, error %v", s, back, err)
		}
	})
}

// FuzzParseSID: what is read prints as something that reads the same.
func FuzzParseSID(f *testing.F) {
	for _, c := range sids {
		f.Add(c.text)
	}
	f.Add("s-1-0X5-18")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSID(text)
		var e *Error
		if err != nil {
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(text)+1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if back, err := ParseSID(s.String()); err != nil || back != s {
			t.Fatalf("%q is %v, which is %v, error %v", text, s, back, err)
		}
	})
}

// inside fails unless err says where within b.
func inside(t *testing.T, err error, b []byte) {
	var e *Error
	if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(b) || e.Problem == "" {
		t.Fatalf("%d bytes: %v", len(b), err)
	}
}

// agree holds Check against the rules said in another way: right by right, the
// first entry that speaks of it decides.
func agree(t *testing.T, d *Descriptor) {
	for _, id := range []security.Identity{{}, {UID: 1000, GID: 100}, {UID: 1, GID: 1, Groups: []uint32{100}}} {
		for bit := Mask(1); bit != 0; bit <<= 1 {
			if bit.Map() != bit || bit == MaximumAllowed {
				continue // stands for others
			}
			if _, got := Check(d, id, bit); got != mayHave(d, id, bit) {
				t.Fatalf("%v of %v for %v: got %v", bit, d, id, got)
			}
		}
	}
}

func mayHave(d *Descriptor, id security.Identity, bit Mask) bool {
	if d.Control&DACLPresent == 0 || bit == AccessSystemSecurity {
		return false
	}
	if d.DACL == nil {
		return true
	}
	limited := false
	for _, e := range d.DACL.Entries {
		limited = limited || e.Type <= Alarm && e.SID == OwnerRights && e.Flags&InheritOnly == 0
	}
	owns := d.Owner.Names(id)
	if owns && !limited && (bit == ReadControl || bit == WriteDAC) {
		return true
	}
	for _, e := range d.DACL.Entries {
		applies := e.Flags&InheritOnly == 0 && (e.SID.Names(id) || owns && e.SID == OwnerRights) && e.Mask.Map()&bit != 0
		switch {
		case e.Type == Allow && applies:
			return true
		case e.Type == Deny && applies, e.Type > Alarm && e.Flags&InheritOnly == 0:
			return false
		}
	}
	return false
}
