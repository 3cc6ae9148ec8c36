package link

import (
	"bytes"
	"errors"
	"testing"
)

func TestFrameRoundTrip(t *testing.T) {
	for _, f := range []Frame{
		{Kind: Connect, Value: 1 << 30, Flags: FlagServes, Text: []byte("hello")},
		{Kind: Accept, Channel: 1<<64 - 1, Value: 7, Text: bytes.Repeat([]byte{0xff}, maxText)},
		{Kind: Close, Reason: ReasonViolation, Text: []byte{}},
		{Kind: Section, Number: 1<<32 - 1, Section: 9, Value: 16384},
	} {
		got, err := parse(f.append(nil))
		if err != nil || got.Kind != f.Kind || got.Reason != f.Reason || got.Flags != f.Flags || got.Number != f.Number ||
			got.Section != f.Section || got.Value != f.Value || got.Channel != f.Channel || !bytes.Equal(got.Text, f.Text) {
			t.Errorf("%+v came back as %+v, %v", f, got, err)
		}
	}
}

// TestFrameLayout holds the encoding against PROTOCOL.md's offsets.
func TestFrameLayout(t *testing.T) {
	f := Frame{Kind: Grow, Reason: 2, Flags: 0x0403, Number: 0x08070605, Section: 0x0c0b0a09, Value: 0x1817161514131211, Channel: 0x201f1e1d1c1b1a19, Text: []byte("x")}
	want := []byte{'L', 'P', 'C', '1', 4, 2, 3, 4, 1, 0, 1, 0, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 0,
		0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 'x'}
	if got := f.append(nil); !bytes.Equal(got, want) {
		t.Errorf("encoded as\n%x, want\n%x", got, want)
	}
}

func TestFrameRefused(t *testing.T) {
	good := (&Frame{Kind: Connect, Text: []byte("ab")}).append(nil)
	change := func(i int, b byte) []byte {
		c := bytes.Clone(good)
		c[i] = b
		return c
	}
	for name, b := range map[string][]byte{
		"short": good[:headSize-1], "magic": change(0, 'X'), "kind 0": change(4, 0), "kind 10": change(4, 10),
		"text length": change(10, 3), "cut": good[:len(good)-1], "too long": append(bytes.Clone(good), make([]byte, 400)...),
	} {
		if _, err := parse(b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	var v *VersionError
	if _, err := parse(change(8, 2)); !errors.As(err, &v) || v.Got != 2 {
		t.Errorf("another version: %v", err)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add((&Frame{Kind: Connect, Text: []byte("ab")}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := parse(b)
		if err == nil && !bytes.Equal(fr.append(nil)[:20], b[:20]) {
			t.Errorf("%x parsed and encoded again is %x", b, fr.append(nil))
		}
	})
}
