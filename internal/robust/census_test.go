package robust

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// leakPatience is how long something that is about to go may still be there. Only
// a test that fails waits for it.
const leakPatience = 15 * time.Second

// A census is what this process holds, by kind: descriptors, mappings of channels
// and sections, goroutines that the library started.
type census map[string]int

func takeCensus() census {
	c := census{}
	links, _ := os.ReadDir("/proc/self/fd")
	for _, e := range links {
		to, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		switch {
		case err != nil: // the directory's own
		case strings.Contains(to, "memfd:lpc:pool"): // grows, and lives as long as the process
		case strings.HasPrefix(to, "/proc/"):
		default:
			kind, _, _ := strings.Cut(to, ":[")
			c["descriptor of "+kind]++
		}
	}
	if f, err := os.Open("/proc/self/maps"); err == nil {
		for s := bufio.NewScanner(f); s.Scan(); {
			for _, kind := range []string{"lpc:channel", "lpc:section"} {
				if strings.Contains(s.Text(), kind) {
					c["mapping of "+kind]++
				}
			}
		}
		_ = f.Close()
	}
	for g := range strings.SplitSeq(stacks(), "\n\n") {
		if by := creator(g); strings.Contains(by, "seed-eedd8485/lpc") && !strings.Contains(by, "internal/robust") {
			c["goroutine of "+by]++
		}
	}
	return c
}

// creator is the function that started a goroutine.
func creator(stack string) string {
	_, by, _ := strings.Cut(stack, "created by ")
	by, _, _ = strings.Cut(by, " in goroutine")
	by, _, _ = strings.Cut(by, "\n")
	return by
}

// more lists what is there beyond c.
func (c census) more(now census) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(now)) {
		if now[k] > c[k] {
			fmt.Fprintf(&b, "\t%d more %s\n", now[k]-c[k], k)
		}
	}
	return b.String()
}

// settle waits until nothing is there beyond c, and returns what still is.
func (c census) settle(patience time.Duration) (left string) {
	eventually(patience, func() bool {
		left = c.more(takeCensus())
		return left == ""
	})
	return left
}

// check fails a test that has left something.
func (c census) check(t testing.TB) {
	t.Helper()
	if left := c.settle(leakPatience); left != "" {
		t.Errorf("this process still has:\n%s%s", left, libraryStacks())
	}
}

func libraryStacks() string {
	var b strings.Builder
	for g := range strings.SplitSeq(stacks(), "\n\n") {
		if by := creator(g); strings.Contains(by, "seed-eedd8485/lpc") && !strings.Contains(by, "internal/robust") {
			b.WriteString("\n" + g + "\n")
		}
	}
	return b.String()
}

// eventually asks for a condition that nothing signals until it holds.
func eventually(patience time.Duration, holds func() bool) bool {
	for range 200 {
		if holds() {
			return true
		}
		runtime.Gosched()
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for over := time.After(patience); ; {
		if holds() {
			return true
		}
		select {
		case <-tick.C:
		case <-over:
			return holds()
		}
	}
}

// hangs: a step that takes longer than this never ends.
const hangs = 30 * time.Second

// within runs f, which must return.
func within(t testing.TB, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	await(t, what, done)
}

// await waits for a channel to be closed.
func await(t testing.TB, what string, done <-chan struct{}) {
	t.Helper()
	timer := time.NewTimer(hangs)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		t.Fatalf("%s has not ended after %v; all goroutines:\n%s", what, hangs, stacks())
	}
}

// receive waits for a value.
func receive[T any](t testing.TB, what string, from <-chan T) (v T) {
	t.Helper()
	timer := time.NewTimer(hangs)
	defer timer.Stop()
	select {
	case v = <-from:
	case <-timer.C:
		t.Fatalf("%s has not come after %v; all goroutines:\n%s", what, hangs, stacks())
	}
	return v
}
