package access

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/security"
)

// TestCheck reads its cases from testdata/check.txt, whose first lines say how.
func TestCheck(t *testing.T) {
	f, err := os.Open("testdata/check.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cases := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		col := strings.Split(line, "|")
		if len(col) != 6 {
			t.Fatalf("%d columns, want 6: %s", len(col), line)
		}
		for i := range col {
			col[i] = strings.TrimSpace(col[i])
		}
		cases++
		t.Run(strings.ReplaceAll(col[0], " ", "_"), func(t *testing.T) {
			d := &Descriptor{Owner: account(t, col[1]), Control: DACLPresent, DACL: list(t, col[2])}
			if col[2] == "absent" {
				d.Control = 0
			}
			granted, ok := Check(d, caller(t, col[3]), Mask(number(t, col[4])))
			got := "no"
			if ok {
				got = fmt.Sprintf("%#x", uint32(granted))
			} else if granted != 0 {
				t.Errorf("refused, but granted is %#x", uint32(granted))
			}
			if got != col[5] {
				t.Errorf("%v asks for %s of %v: got %s, want %s", col[3], col[4], d, got, col[5])
			}
		})
	}
	if cases < 60 {
		t.Errorf("%d cases, want all of them", cases)
	}
}

func TestCheckWithoutDescriptor(t *testing.T) {
	for _, d := range []*Descriptor{nil, {}} {
		if granted, ok := Check(d, security.Identity{}, PortConnect); ok || granted != 0 {
			t.Errorf("%v grants %#x to root", d, granted)
		}
	}
}

func TestDefault(t *testing.T) {
	d := Default(security.Identity{UID: 1000, GID: 100})
	if got, want := d.String(), "O:S-1-22-1-1000G:S-1-22-2-100D:(A;;0x1f0001;;;S-1-22-1-1000)(A;;0x1f0001;;;S-1-5-18)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for uid, want := range map[uint32]bool{1000: true, 0: true, 1001: false, 65534: false} {
		if _, ok := Check(d, security.Identity{UID: uid, GID: 100}, PortConnect); ok != want {
			t.Errorf("uid %d: got %v, want %v", uid, ok, want)
		}
	}
	if got, want := Default(security.Identity{}).String(), "O:S-1-5-18G:S-1-22-2-0D:(A;;0x1f0001;;;S-1-5-18)"; got != want {
		t.Errorf("root's: got %s, want %s", got, want)
	}
}

// account reads a SID or its short form.
func account(t *testing.T, s string) SID {
	t.Helper()
	switch {
	case s == "*":
		return Everyone
	case s == "root":
		return System
	case s[0] == 'u':
		return User(uint32(number(t, s[1:])))
	case s[0] == 'g':
		return Group(uint32(number(t, s[1:])))
	}
	sid, err := ParseSID(s)
	if err != nil {
		t.Fatal(err)
	}
	return sid
}

func list(t *testing.T, s string) *ACL {
	t.Helper()
	if s == "NULL" || s == "absent" {
		return nil
	}
	l := &ACL{}
	for entry := range strings.SplitSeq(s, ";") {
		f := strings.Fields(entry)
		if len(f) == 0 {
			continue
		}
		e := ACE{Type: map[string]ACEType{"A": Allow, "D": Deny, "AU": Audit, "X": 9}[f[0]]}
		if f[0] != "X" {
			e.Mask, e.SID = Mask(number(t, f[1])), account(t, f[2])
		}
		if len(f) == 4 {
			e.Flags = InheritOnly
		}
		l.Entries = append(l.Entries, e)
	}
	return l
}

func caller(t *testing.T, s string) (id security.Identity) {
	t.Helper()
	f := strings.Split(s, ":")
	id.UID, id.GID = uint32(number(t, f[0])), uint32(number(t, f[1]))
	if len(f) == 3 {
		for g := range strings.SplitSeq(f[2], ",") {
			id.Groups = append(id.Groups, uint32(number(t, g)))
		}
	}
	return id
}

func number(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 0, 32)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
