package bootcode

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/bootsec/boottest"
	"github.com/seed-eedd8485/lpc/internal/golden"
)

func analyze(t testing.TB, code []byte, o Options) *Code {
	t.Helper()
	c, err := Analyze(code, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The listing, and the verdict under it, of our own codes: self-copy, BIOS
// calls, strings, data; what a virus does; a string behind a call; code that is
// hard to follow.
func TestListing(t *testing.T) {
	for name, table := range map[string]bool{"standard": true, "stealth": true, "nodisk": false, "tangle": true} {
		c := analyze(t, boottest.Code(name), Options{Table: table})
		var b bytes.Buffer
		if err := c.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n" + c.Known.String() + "\n" + strings.Join(c.Verdict, "\n") + "\n")
		golden.Text(t, name+".txt", b.String())
	}
}

// The sentence of the verdict that each change to sound code takes away or
// brings: a verdict must follow from the code.
func TestVerdictFollowsTheCode(t *testing.T) {
	const (
		finds   = "It goes through the partition table and finds the active partition by its status byte."
		blind   = "It does not look for an active partition."
		either  = "It reads the sector that the partition entry names by CHS (int 13h, ah=02) or by LBA (int 13h, ah=42) to 0000:7c00."
		chs     = "It reads the sector that the partition entry names by CHS (int 13h, ah=02) to 0000:7c00."
		checks  = "It checks that what it read ends in 55 AA."
		trusts  = "It does not check what it read for 55 AA."
		jumps   = "It jumps to 0000:7c00, to the sector that it read."
		nowhere = "It does not go on to other code but through the BIOS."
	)
	for _, c := range []struct {
		name      string
		at        int
		code      string
		has, lost []string
	}{
		{"as it is", 0, "", []string{finds, either, checks, jumps}, []string{blind, trusts}},
		{"no test of the status", 0x24, "eb0d909090", []string{"It takes a sector from a partition entry without testing which one is active."}, []string{finds}},
		{"no LBA", 0x3c, "eb25", []string{finds, chs, jumps}, []string{either}},
		{"no check", 0x73, "909090909090" + "9090", []string{trusts, jumps}, []string{checks}},
		{"no jump", 0x7b, "ebfe909090", []string{nowhere, checks}, []string{jumps}},
		{"elsewhere", 0x7b, "ea00800000", []string{"It jumps to 0000:8000, outside of these bytes."}, []string{jumps}},
		{"other buffer", 0x67, "0090", []string{"It reads the sector that the partition entry names by CHS (int 13h, ah=02) to 0000:9000."}, []string{either}},
		{"other sector", 0x69, "b90200b60090", []string{"It reads CHS 0/0/2 by CHS (int 13h, ah=02) to 0000:7c00.", "It reads the sector that the partition entry names by LBA (int 13h, ah=42) to 0000:7c00."}, []string{either}},
	} {
		code := boottest.Code("standard")
		patch, err := hex.DecodeString(c.code)
		if err != nil {
			t.Fatal(err)
		}
		copy(code[c.at:], patch)
		verdict := "\n" + strings.Join(analyze(t, code, Options{Table: true}).Verdict, "\n") + "\n"
		for _, s := range c.has {
			if !strings.Contains(verdict, "\n"+s+"\n") {
				t.Errorf("%s: %q is missing in:%s", c.name, s, verdict)
			}
		}
		for _, s := range c.lost {
			if strings.Contains(verdict, "\n"+s+"\n") {
				t.Errorf("%s: %q should not be said:%s", c.name, s, verdict)
			}
		}
	}
	for _, c := range []struct {
		code []byte
		want string
	}{
		{make([]byte, 512), "There is no boot code: all bytes are zero."},
		{[]byte{0x0f, 0xff, 0, 0}, "The first bytes are no instruction: this is not boot code."},
		{[]byte{0xeb, 0xfe}, "It does not go on to other code: it ends in a loop or stops."},
		{[]byte{0xea, 0, 0, 0xff, 0xff}, "It restarts the machine."},
	} {
		if v := analyze(t, c.code, Options{}).Verdict; !strings.Contains(strings.Join(v, "\n"), c.want) {
			t.Errorf("% x: %q, want %q", c.code[:min(8, len(c.code))], v, c.want)
		}
	}
}

// The self-copy to 0000:0600 is followed, and both addresses are known.
func TestSelfCopy(t *testing.T) {
	c := analyze(t, boottest.Code("standard"), Options{Table: true})
	if len(c.Copies) != 1 || c.Copies[0] != (Copy{At: 0x7c17, From: 0x7c00, To: 0x600, Bytes: 512, Off: 0x600}) {
		t.Errorf("copies %+v", c.Copies)
	}
	n := c.Node(0x61e)
	if n == nil || n.LoadedAt(c) != 0x7c1e || n.Offset != 0x1e || n.Inst.String() != "mov     si,7BEh" {
		t.Errorf("after the jump: %+v", n)
	}
	if c.Node(0x7c1e) != nil {
		t.Error("the code is followed where it no longer runs")
	}
	// The same by a far return, with the bytes behind only (as Windows does), and to another segment.
	for _, s := range []struct {
		code string
		to   uint32
	}{
		{"33c08ed0bc007c5007501ffcbe1b7cbf1b065057b9e501f3a4cbeb01", 0x61b},
		{"31c08ed88ed0bc007cb8e01f8ec0be007cbf007cb90001f3a5ea1e7ce01febfe", 0x27a1e},
		{"31c08ed88ec0be007cbf0006b98000" + "66f3a5b81e06ffe0" + strings.Repeat("90", 32), 0x61e},
	} {
		code, err := hex.DecodeString(s.code)
		if err != nil {
			t.Fatal(err)
		}
		c := analyze(t, append(code, make([]byte, 512-len(code))...), Options{Table: true})
		if len(c.Copies) != 1 || c.Node(s.to) == nil {
			t.Errorf("%s: copies %+v, nothing at %05x", s.code, c.Copies, s.to)
		}
	}
}

func TestMessages(t *testing.T) {
	code := make([]byte, 512)
	code[0], code[1] = 0xeb, 0xfe
	for i, s := range []string{"Invalid table", "No loading", "No system"} {
		at := 0x130 + 0x20*i
		copy(code[at:], s)
		code[messageOffset+i] = byte(at)
	}
	c := analyze(t, code, Options{Table: true})
	if len(c.Messages) != 3 || c.Messages[1].Text != "No loading" || c.Messages[1].Offset != 0x150 || c.Messages[1].At != 0x1b6 || c.Messages[1].Linear != 0x7d50 {
		t.Errorf("messages %+v", c.Messages)
	}
	code[messageOffset+2] = 0x72 // into the middle of a word
	if c := analyze(t, code, Options{Table: true}); c.Messages != nil {
		t.Errorf("messages %+v where one of the offsets is no start of a string", c.Messages)
	}
}

func TestJSON(t *testing.T) {
	b, err := json.MarshalIndent(analyze(t, boottest.Code("nodisk"), Options{}), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Text(t, "nodisk.json", string(b)+"\n")
}

func TestLimits(t *testing.T) {
	for _, n := range []int{0, MaxCode + 1} {
		if _, err := Analyze(make([]byte, n), Options{}); err == nil || !strings.HasPrefix(err.Error(), "analysing boot code: ") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := Analyze(make([]byte, MaxCode), Options{}); err != nil {
		t.Errorf("%d bytes: %v", MaxCode, err)
	}
	c := analyze(t, boottest.Code("standard"), Options{Table: true, MaxSteps: 20})
	if !c.Truncated || !strings.Contains(strings.Join(c.Verdict, " "), "not followed to its end") {
		t.Errorf("20 steps: truncated %v, %q", c.Truncated, c.Verdict)
	}
}
