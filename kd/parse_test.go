package kd

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/seed-eedd8485/lpc/target"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		line string
		want [][]string
		err  bool
	}{
		{"", nil, false},
		{"  ;; ;", nil, false},
		{"* a comment; q", nil, false},
		{"!lpc port; db 1 L2 ;q", [][]string{{"!lpc", "port"}, {"db", "1", "L2"}, {"q"}}, false},
		{`!object "\RPC Control\a;b"`, [][]string{{"!object", `\RPC Control\a;b`}}, false},
		{`dt ""`, [][]string{{"dt", ""}}, false},
		{"a\tb\r\nc", [][]string{{"a", "b"}, {"c"}}, false},
		{`a "b`, nil, true},
		{string(make([]byte, maxLine+1)), nil, true},
	} {
		got, err := split(c.line)
		if (err != nil) != c.err || !reflect.DeepEqual(got, c.want) {
			t.Errorf("split(%.40q) = %q, %v, want %q", c.line, got, err, c.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		word string
		want uint64
		ok   bool
	}{
		{"10", 16, true}, {"0x10", 16, true}, {"0n10", 10, true}, {"0t10", 8, true}, {"0y10", 2, true}, {"fffff802`59858c68", 0xfffff80259858c68, true},
		{"0", 0, true}, {"0n", 0, false}, {"ffffffffffffffff", 1<<64 - 1, true}, {"10000000000000000", 0, false}, {"", 0, false}, {"g", 0, false}, {"+1", 0, false},
		{"0x-1", 0, false}, {"0n1f", 0, false}, {"1_0", 0, false}, {"0x", 0, false},
	} {
		got, err := number(c.word)
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("number(%q) = %#x, %v, want %#x, ok %v", c.word, got, err, c.want, c.ok)
		}
	}
}

// wide is a target of that pointer size that holds nothing.
type wide struct {
	target.Target
	size int
}

func (w wide) PointerSize() int { return w.size }

var errNotMapped = errors.New("not mapped")

// few is a target of that pointer size that holds some bytes, from 1000 on.
type few struct {
	wide
	b []byte
}

func (f few) ReadMemory(addr uint64, dst []byte) (int, error) {
	if addr < 0x1000 || addr >= 0x1000+uint64(len(f.b)) {
		return 0, errNotMapped
	}
	n := copy(dst, f.b[addr-0x1000:])
	if n < len(dst) {
		return n, errNotMapped
	}
	return n, nil
}

func TestPoi(t *testing.T) {
	b := []byte{4, 0x10, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 0xff}
	for _, c := range []struct {
		size       int
		word, want string
	}{
		{4, "poi(1000)", "1004"}, {8, "poi(1000)", "1004"}, {8, "poi(1000+8)", "ff02030405060708"}, {4, "poi(1000+8)", "5060708"},
		{8, "poi(poi(1000)+4)-8", "ff02030405060700"}, {8, "10+poi(1000)", "1014"},
		{8, "poi(100c)", "no pointer can be read at 000000000000100c: not mapped (in poi(100c))"},
		{4, "poi(2000)", "no pointer can be read at 00002000: not mapped (in poi(2000))"},
		{8, "poi(1000", "a ) is expected at the end of poi(1000 (in poi(1000)"}, {8, "poi()", "an address is expected, nothing was given (in poi())"},
		{8, "poi(1000))", "1000) is no number; numbers are hexadecimal, 0n123 would be decimal (in 1000)) (in poi(1000)))"},
	} {
		v, err := NewSession(few{wide{size: c.size}, b}).address(c.word)
		got := fmt.Sprintf("%x", v)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("address(%q) = %s, want %s", c.word, got, c.want)
		}
	}
}

func TestAddress(t *testing.T) {
	s := NewSession(wide{size: 8})
	s.process = 0x1000
	narrow := NewSession(wide{size: 4})
	for _, c := range []struct {
		s    *Session
		word string
		want string
	}{
		{s, "10+20-8", "28"}, {s, "-1", "ffffffffffffffff"}, {s, "@$proc+10", "1010"}, {s, "$PROC", "1000"}, {narrow, "-1", "ffffffff"}, {narrow, "e1084108+88", "e1084190"},
		{s, "$thread", "no default thread is set; .thread ADDRESS sets it (in $thread)"}, {s, "1++2", " is no number; numbers are hexadecimal, 0n123 would be decimal (in 1++2)"},
		{s, "", "an address is expected, nothing was given"}, {s, "+", " is no number; numbers are hexadecimal, 0n123 would be decimal (in +)"},
		{s, "10000000000000000+1", "10000000000000000 is more than 64 bits (in 10000000000000000+1)"},
	} {
		v, err := c.s.address(c.word)
		got := fmt.Sprintf("%x", v)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("address(%q) = %s, want %s", c.word, got, c.want)
		}
	}
}

func TestSpan(t *testing.T) {
	s := NewSession(wide{size: 8})
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"10"}, "10 20"}, {[]string{"10", "L8"}, "10 8"}, {[]string{"10", "l", "8"}, "10 8"}, {[]string{"10", "1f"}, "10 4"}, {[]string{"10", "10"}, "10 1"},
		{nil, "an address is expected"}, {[]string{"10", "f"}, "the range ends at 000000000000000f, before it begins at 0000000000000010"},
		{[]string{"10", "L0"}, "a range of 0x0 units, expected 1 to 0x100000"}, {[]string{"10", "L100001"}, "a range of 0x100001 units, expected 1 to 0x100000"},
		{[]string{"0", "ffffffffffffffff"}, "a range of 0x4000000000000000 units, expected 1 to 0x100000"},
		{[]string{"10", "20", "30"}, "30 is too much, expected an address and a range (L200)"}, {[]string{"10", "L"}, " is no number; numbers are hexadecimal, 0n123 would be decimal"},
	} {
		addr, n, err := s.span(c.args, 4, 32)
		got := fmt.Sprintf("%x %x", addr, n)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("span(%q) = %s, want %s", c.args, got, c.want)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{{"_l*", "_list", true}, {"*port*", "_lpcp_port_object", true}, {"*a*a", "aba", true}, {"a*a", "a", false}, {"*", "", true}, {"a*b*c", "abc", true}, {"a*b", "acc", false}} {
		if got := match(c.pattern, c.name); got != c.want {
			t.Errorf("match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

// Every command is complete, and its name is one that can be typed.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Commands() {
		if c.Run == nil || c.Short == "" || c.Short[len(c.Short)-1] != '.' {
			t.Errorf("%s is not complete", c.Name)
		}
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			words, err := split(name)
			if err != nil || len(words) != 1 || seen[name] {
				t.Errorf("%s cannot be typed, or is there twice", name)
				continue
			}
			seen[name] = true
			if got, rest, ok := lookup(words[0]); !ok || got.Name != c.Name || len(rest) > 0 {
				t.Errorf("%s is not found by its name", name)
			}
		}
	}
}
