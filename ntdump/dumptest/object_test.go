package dumptest

import (
	"os"
	"strings"
	"testing"
)

// Every member that the object manager, LPC and loaders are written by stands in the list that
// was written down by hand, so that TestLayout compares it.
func TestObjectMembersAreListed(t *testing.T) {
	text, err := os.ReadFile("../testdata/layout.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, line := range strings.Split(string(text), "\n") {
		if f := strings.Fields(line); len(f) == 5 {
			listed[f[0]+"."+f[1]] = true
		}
	}
	structure := ""
	for _, line := range strings.Split(strings.TrimSpace(objectMembers)+loaderMembers[:len(loaderMembers)-1], "\n") {
		name, _, _ := strings.Cut(strings.Fields(line)[0], ":")
		member := structure + "." + name
		if line[0] != ' ' {
			structure = name
			member = name + ".size"
		}
		if !listed[member] {
			t.Errorf("layout.txt does not list %s", member)
		}
	}
}

// Blocks of a page are chained to its end, with free ones between them, whatever the
// order in which they are made.
func TestBlockPool(t *testing.T) {
	for _, p := range []Profile{XP, X64} {
		m := New(p)
		u := uint64(8)
		if p.Bits == 64 {
			u = 16
		}
		_, _, start, end := p.poolRanges()
		pool := m.NewBlockPool(true, start, end)
		pool.AllocAt(start+0x800, "Last", 0x40)
		pool.AllocAt(start+u, "Firs", 0x20)
		pool.AllocAt(start+0x400, "Gone", 0x20)
		pool.Free(start + 0x400)
		var tags []string
		previous, at := uint64(0), start
		for at < start+page {
			b := m.Get(at, 8)
			before, size := uint64(b[0]), uint64(b[2])
			if u == 8 {
				before, size = before|uint64(b[1]&1)<<8, size|uint64(b[3]&1)<<8
			}
			if before*u != previous || size == 0 {
				t.Fatalf("%s: the block at %#x has a size of %#x and %#x before it, want %#x", p.Name, at, size*u, before*u, previous)
			}
			tags = append(tags, string(b[4:8]))
			previous, at = size*u, at+size*u
		}
		if got := strings.Join(tags, " "); at != start+page || got != "Firs Free Last Free" {
			t.Errorf("%s: %s, up to %#x", p.Name, got, at)
		}
	}
}
