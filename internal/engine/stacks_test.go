package engine

import (
	"bytes"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/pool"
)

//go:noinline
func deep(n int, f func()) {
	if n > 0 {
		deep(n-1, f)
		return
	}
	f()
}

// TestStackMemory: a record that is filled again says what is so now.
func TestStackMemory(t *testing.T) {
	pr, err := theProcess()
	if err != nil {
		t.Fatal(err)
	}
	pr.stacks.init()
	defer func() { pr.stacks.on = false }()
	th, err := pr.thread()
	if err != nil {
		t.Fatal(err)
	}
	record := func() (count uint32, last string) {
		pr.recordStack(th)
		st := pool.At[pool.Stack](pr.pool, th.rec.Stack)
		f := pool.At[pool.Frame](pr.pool, st.Frames[st.Count-1])
		name, _, _ := bytes.Cut(f.Function[:], []byte{0})
		if f.Line == 0 || f.File[0] == 0 {
			t.Errorf("frame %+v", f)
		}
		return st.Count, string(name)
	}
	for range 2 {
		n, last := record()
		if n != 1 || last != "testing.tRunner" { // the test's own functions count as the library's
			t.Errorf("%d frames, the last %q", n, last)
		}
		th.resumes()
		if th.stk.Count != 0 {
			t.Error("a stack is left after the wait")
		}
	}
}

// BenchmarkRecordStack is what a waiting call pays with LPC_STACKS=1, twelve frames deep.
func BenchmarkRecordStack(b *testing.B) {
	pr, err := theProcess()
	if err != nil {
		b.Fatal(err)
	}
	pr.stacks.init()
	defer func() { pr.stacks.on = false }()
	th, err := pr.thread()
	if err != nil {
		b.Fatal(err)
	}
	deep(8, func() {
		for b.Loop() {
			pr.recordStack(th)
		}
	})
}
