package floor

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// childEnv names the page for the re-exec'd test binary: it answers there.
const childEnv = "LPC_BENCH_FLOOR_TEST"

func TestMain(m *testing.M) {
	path := os.Getenv(childEnv)
	if path == "" {
		os.Exit(m.Run())
	}
	l, err := Open(path)
	if err == nil {
		err = l.Pong()
	}
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	os.Exit(0)
}

// lane returns this process's end and the page's file, or skips.
func lane(t *testing.T) (*Lane, *os.File) {
	t.Helper()
	l, f, err := Create()
	if errors.Is(err, ErrNoLoops) {
		needs.Missing(t, "needs loops in assembler: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(l.Close(), f.Close()); err != nil {
			t.Error(err)
		}
	})
	return l, f
}

// TestTwoProcesses plays with a process of its own; the exchanges are counted
// on both sides by their numbers, which must agree.
func TestTwoProcesses(t *testing.T) {
	l, f := lane(t)
	cmd := exec.Command(os.Args[0])
	cmd.ExtraFiles = []*os.File{f}
	cmd.Env = append(os.Environ(), childEnv+"=/proc/self/fd/3")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// With one CPU every exchange costs a time slice: keep them few.
	took := make([]uint64, 20)
	if err := errors.Join(l.Ping(21), l.PingStamped(took)); err != nil {
		t.Fatal(err)
	}
	l.Stop()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the answering process: %v: %s", err, &stderr)
	}
	if l.seq != 41 || *l.page.Word(wordRequest) != 41 || *l.page.Word(wordReply) != 41 {
		t.Errorf("after 41 exchanges: %d, request %d, reply %d", l.seq, *l.page.Word(wordRequest), *l.page.Word(wordReply))
	}
	for i, d := range took {
		if d > 1<<40 { // 0 happens: some counters tick slowly
			t.Errorf("exchange %d took %d ticks", i, d)
		}
	}
}

// TestPayloadIsEchoed runs one answer by hand: what stands beside the request's
// number comes back beside the reply's.
func TestPayloadIsEchoed(t *testing.T) {
	l, _ := lane(t)
	for i := range 32 {
		l.page.bytes[8+i] = byte(i + 1)
	}
	*l.page.Word(wordRequest) = 1
	if done := pong(l.page.Word(wordRequest), l.page.Word(wordReply), 0, 5, 10); done != 1 {
		t.Fatalf("answered %d exchanges, want 1", done)
	}
	for i := range 32 {
		if got := l.page.bytes[wordStride+8+i]; got != byte(i+1) {
			t.Fatalf("byte %d of the reply is %d", i, got)
		}
	}
	if got := ping(l.page.Word(wordRequest), l.page.Word(wordReply), 0, 1, 10); got != 1 {
		t.Error("a reply that is there is not taken")
	}
}

// TestSilence: nobody answers, and every loop returns by itself.
func TestSilence(t *testing.T) {
	l, _ := lane(t)
	request, reply := l.page.Word(wordRequest), l.page.Word(wordReply)
	if n := ping(request, reply, 0, 1, 10); n != 0 {
		t.Errorf("ping without a peer had %d exchanges", n)
	}
	if n := pingStamped(request, reply, 0, make([]uint64, 1), 10); n != 0 {
		t.Errorf("stamped ping without a peer had %d exchanges", n)
	}
	if n := pong(request, reply, 1, 1, 10); n != 0 { // 1 is the number those pings left
		t.Errorf("pong without a peer had %d exchanges", n)
	}
	calls := 0
	nobody := func() (uint64, bool) { calls++; return 0, calls == 5 }
	if err := l.patiently(nobody); err != nil || calls != 5 {
		t.Errorf("after %d looks: %v, want none after 5", calls, err)
	}
	l.Stop()
	if err := errors.Join(l.Pong(), l.Ping(0), l.PingStamped(nil)); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
	if l.seq != 0 {
		t.Errorf("%d exchanges, want none", l.seq)
	}
}
