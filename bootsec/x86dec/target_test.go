package x86dec

import (
	"encoding/hex"
	"testing"
)

// A target in other words, and how far it is, for who counts in linear addresses.
func TestWithTarget(t *testing.T) {
	for _, c := range []struct {
		code, want string
		rel        int64
		near       bool
	}{
		{"eb63", "jmp     THERE", 0x63, true},
		{"7cfe", "jl      THERE", -2, true},
		{"e9fdff", "jmp     THERE", -3, true},
		{"66e8fbffffff", "call    THERE", -5, true},
		{"e310", "jcxz    THERE", 0x10, true},
		{"67e210", "addr32 loop THERE", 0x10, true},
		{"ea1f060000", "jmp     0000:061f", 0, false},
		{"ffe0", "jmp     ax", 0, false},
		{"90", "nop", 0, false},
	} {
		code, err := hex.DecodeString(c.code)
		if err != nil {
			t.Fatal(err)
		}
		in, err := Decode16(code, 0x7c00)
		if err != nil {
			t.Fatal(err)
		}
		rel, near := in.Displacement()
		if got := in.WithTarget("THERE"); got != c.want || rel != c.rel || near != c.near {
			t.Errorf("%s: %q, %d, %v, want %q, %d, %v", c.code, got, rel, near, c.want, c.rel, c.near)
		}
	}
}
