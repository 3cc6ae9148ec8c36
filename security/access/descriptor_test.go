package access

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/security"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A descriptor laid out by hand from MS-DTYP 2.4.4 to 2.4.6: every field has a
// value of its own.
const byHand = `
	01 00 0480 14000000 20000000 00000000 30000000
	01 01 000000000005 12000000
	01 02 000000000016 02000000 64000000
	02 00 3400 0200 0000
	01 00 1800 01000000  01 02 000000000016 01000000 e8030000
	00 08 1400 01000200  01 01 000000000001 00000000`

func TestDecodeByHand(t *testing.T) {
	b := unhex(t, byHand)
	d, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	want := &Descriptor{
		Control: DACLPresent, Owner: System, Group: Group(100),
		DACL: &ACL{Revision: 2, Entries: []ACE{
			{Type: Deny, Mask: PortConnect, SID: User(1000)},
			{Type: Allow, Flags: InheritOnly, Mask: PortConnect | ReadControl, SID: Everyone},
		}},
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got %+v, want %+v", d, want)
	}
	if got, text := d.String(), "O:S-1-5-18G:S-1-22-2-100D:(D;;0x1;;;S-1-22-1-1000)(A;IO;0x20001;;;S-1-1-0)"; got != text {
		t.Errorf("prints %s, want %s", got, text)
	}
	out, err := d.AppendBinary([]byte("head"))
	if err != nil || !bytes.Equal(out[4:], b) {
		t.Errorf("written %x, error %v, want %x", out[4:], err, b)
	}
	// Nothing of it may stand for anything once it is cut short.
	for n := range b {
		if d, err := Decode(b[:n]); err == nil {
			t.Errorf("the first %d bytes of %d are %v", n, len(b), d)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, d := range []*Descriptor{
		{},
		{Control: DACLPresent},
		{Control: SACLPresent | DACLPresent, SACL: &ACL{Revision: 2, Entries: []ACE{{Type: Audit, Flags: 0xc0, Mask: PortConnect, SID: Everyone}}}},
		{Control: DACLPresent, DACL: &ACL{Revision: 2, Entries: []ACE{}}},
		{Control: DACLPresent | 0x1000, Owner: Group(7), DACL: &ACL{Revision: 4, Entries: []ACE{
			{Type: 9, Flags: 3, Data: []byte{1, 2, 3, 4}}, {Type: 0xff}, {Type: Allow, Mask: 1, SID: Everyone, Data: []byte{5, 6, 7, 8}},
		}}},
		{Control: RMControlValid, RMControl: 0x5a, Group: System},
		Default(security.Identity{UID: 1000, GID: 1000}),
	} {
		b, err := d.AppendBinary(nil)
		if err != nil {
			t.Errorf("%v: %v", d, err)
			continue
		}
		back, err := Decode(b)
		if err != nil || !reflect.DeepEqual(back, d) {
			t.Errorf("%+v: read back %+v, error %v", d, back, err)
		}
	}
}

// What the flags deny is not there, whatever the offsets say.
func TestFlagsDecide(t *testing.T) {
	b := unhex(t, byHand)
	binary.LittleEndian.PutUint16(b[2:], uint16(SelfRelative))
	b[1] = 0x77 // counts with RMControlValid only
	d, err := Decode(b)
	if err != nil || d.DACL != nil || d.RMControl != 0 {
		t.Errorf("got %+v, error %v", d, err)
	}
	out, err := (&Descriptor{DACL: &ACL{}, RMControl: 1}).AppendBinary(nil)
	if err != nil || len(out) != descriptorHeader || out[1] != 0 {
		t.Errorf("wrote %x, error %v", out, err)
	}
}

func TestDecodeErrors(t *testing.T) {
	put16 := func(at int, v uint16) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint16(b[at:], v); return b }
	}
	put32 := func(at int, v uint32) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint32(b[at:], v); return b }
	}
	for _, c := range []struct {
		change func([]byte) []byte
		part   Part
		want   string
	}{
		{func(b []byte) []byte { return b[:19] }, PartDescriptor, "at offset 0x0: 19 bytes, expected at least 20"},
		{func(b []byte) []byte { b[0] = 2; return b }, PartDescriptor, "at offset 0x0: revision 2, expected 1"},
		{put16(2, 4), PartDescriptor, "at offset 0x2: control 0x4, expected a self-relative descriptor (flag 0x8000)"},
		{put32(4, 19), PartDescriptor, "at offset 0x4: owner at 0x13, expected a multiple of 4 from 0x14 to 0x64"},
		{put32(4, 0x16), PartDescriptor, "owner at 0x16"},
		{put32(8, 0x64), PartDescriptor, "at offset 0x8: group at 0x64"},
		{put32(8, 0xfffffffc), PartDescriptor, "at offset 0x8: group at 0xfffffffc"},
		{put32(8, 0x60), PartSID, "at offset 0x60: 4 bytes, expected at least 8"},
		{put32(16, 0x60), PartACL, "at offset 0x60: 4 bytes, expected at least 8"},
		{put32(16, 8), PartDescriptor, "at offset 0x10: discretionary list at 0x8"},
		{func(b []byte) []byte { b[0x30] = 1; return b }, PartACL, "at offset 0x30: revision 1, expected 2 to 4"},
		{func(b []byte) []byte { b[0x30] = 5; return b }, PartACL, "at offset 0x30: revision 5, expected 2 to 4"},
		{put16(0x32, 7), PartACL, "at offset 0x32: size 7, expected 8 to 52"},
		{put16(0x32, 0x35), PartACL, "at offset 0x32: size 53, expected 8 to 52"},
		{put16(0x34, 0xffff), PartACL, "at offset 0x34: 65535 entries, expected at most 11 in 52 bytes"},
		{put16(0x34, 3), PartACE, "at offset 0x64: 0 bytes left in the ACL, expected at least 4"},
		{put16(0x3a, 0), PartACE, "at offset 0x3a: size 0, expected a multiple of 4 from 4 to 44"},
		{put16(0x3a, 0x1a), PartACE, "at offset 0x3a: size 26"},
		{put16(0x3a, 0x30), PartACE, "at offset 0x3a: size 48"},
		{put16(0x3a, 4), PartACE, "at offset 0x3a: size 4, expected room for a mask and a SID"},
		{put16(0x3a, 0x14), PartSID, "at offset 0x40: 12 bytes, expected 16 for 2 sub-authorities"},
		{func(b []byte) []byte { b[0x40] = 3; return b }, PartSID, "at offset 0x40: revision 3, expected 1"},
	} {
		d, err := Decode(c.change(unhex(t, byHand)))
		var e *Error
		if d != nil || !errors.As(err, &e) || e.Part != c.part || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v and error %v, want %s %s", d, err, c.part, c.want)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	big := make([]byte, 65536-8-4)
	for _, c := range []struct {
		list *ACL
		want string
	}{
		{&ACL{Entries: []ACE{{Type: Allow}}}, "writing ACL: entry 0 has no SID"},
		{&ACL{Entries: []ACE{{Type: 9, Data: []byte{1}}}}, "writing ACL: entry 0 has 1 bytes of data, expected a multiple of 4"},
		{&ACL{Entries: []ACE{{Type: 9}, {Type: 9, Data: big}}}, "writing ACL: entry 1 ends at byte 65540, expected at most 65535"},
	} {
		for _, control := range []Control{DACLPresent, SACLPresent} {
			d := &Descriptor{Control: control, DACL: c.list, SACL: c.list}
			b, err := d.AppendBinary([]byte("kept"))
			if err == nil || !strings.HasSuffix(err.Error(), c.want) || string(b) != "kept" {
				t.Errorf("got %q and error %v, want %s", b, err, c.want)
			}
		}
	}
	at := &ACL{Entries: []ACE{{Type: 9, Data: big[:65528-8-4]}}}
	b, err := at.AppendBinary(nil)
	if err != nil || len(b) != 65528 {
		t.Fatalf("%d bytes, error %v", len(b), err)
	}
	if back, n, err := DecodeACL(b); err != nil || n != len(b) || len(back.Entries) != 1 {
		t.Errorf("read back %d bytes, error %v", n, err)
	}
}

func TestAssign(t *testing.T) {
	creator := security.Identity{UID: 1000, GID: 100, Groups: []uint32{27}}
	whole := Default(creator).String()
	for _, c := range []struct {
		d    *Descriptor
		by   security.Identity
		want string // "": ErrOwner
	}{
		{nil, creator, whole},
		{&Descriptor{}, creator, whole},
		{&Descriptor{DACL: &ACL{}}, creator, whole}, // the flag is clear
		{&Descriptor{Control: DACLPresent}, creator, "O:S-1-22-1-1000G:S-1-22-2-100D:NO_ACCESS_CONTROL"},
		{&Descriptor{Control: DACLPresent, Group: System, DACL: &ACL{}}, creator, "O:S-1-22-1-1000G:S-1-5-18D:"},
		{&Descriptor{Control: DACLPresent, Owner: Group(27), DACL: list(t, "A 0x80000000 *; D 0x10000000 u7")}, creator,
			"O:S-1-22-2-27G:S-1-22-2-100D:(A;;0x20001;;;S-1-1-0)(D;;0x1f0001;;;S-1-22-1-7)"},
		{&Descriptor{Owner: System}, creator, ""},
		{&Descriptor{Owner: User(1001)}, creator, ""},
		{&Descriptor{Owner: Group(28)}, creator, ""},
		{&Descriptor{Owner: Everyone}, creator, ""},
		{&Descriptor{Control: DACLPresent, Owner: User(1001)}, security.Identity{}, "O:S-1-22-1-1001G:S-1-22-2-0D:NO_ACCESS_CONTROL"},
	} {
		before := c.d.String()
		got, err := c.d.Assign(c.by)
		if c.want == "" {
			if !errors.Is(err, ErrOwner) || got != nil {
				t.Errorf("%s: got %v and error %v, want ErrOwner", before, got, err)
			}
			continue
		}
		if err != nil || got.String() != c.want {
			t.Errorf("%s: got %v and error %v, want %s", before, got, err, c.want)
		}
		if c.d.String() != before {
			t.Errorf("%s became %v", before, c.d)
		}
	}
}

func TestText(t *testing.T) {
	var none *Descriptor
	if got := none.String(); got != "no security descriptor" {
		t.Errorf("nil prints %q", got)
	}
	d := &Descriptor{Control: DACLPresent | SACLPresent, DACL: &ACL{}, SACL: &ACL{Entries: []ACE{
		{Type: Audit, Flags: 0xff, Mask: 1, SID: Everyone}, {Type: 9, Data: make([]byte, 8)},
	}}}
	if got, want := d.String(), "D:S:(AU;OICINPIOID0x20SAFA;0x1;;;S-1-1-0)(type 0x9;;8 bytes)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
