package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/bench/load"
)

// patience is longer than anything here takes, unless it hangs.
const patience = time.Minute

// newStage returns a stage in a temporary directory.
func newStage(t *testing.T) *stage {
	t.Helper()
	l, err := newLauncher()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	dir := t.TempDir()
	return &stage{launcher: l, dir: dir, env: []string{"LPC_ROOT=" + dir}}
}

// start starts a process in a role.
func start(t *testing.T, s *stage, role string) *process {
	t.Helper()
	p, err := s.launcher.spawn(role, "the test's child", anywhere, s.env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.end)
	return p
}

// TestHang: a child that does not answer is told so, and its stacks are had.
func TestHang(t *testing.T) {
	p := start(t, newStage(t), roleDeaf)
	if _, err := p.tell(t.Context(), order{Op: opUsage}, patience); err != nil {
		t.Fatal(err)
	}
	_, err := p.tell(t.Context(), order{Op: opUsage}, time.Millisecond)
	if !errors.Is(err, errHang) || !strings.HasPrefix(err.Error(), "the test's child hangs: no answer to \"usage\"") {
		t.Fatalf("a deaf child: %v", err)
	}
	stacks := (&pair{server: p, client: p}).abandon(err)
	held, ok := errors.AsType[*stacksError](stacks)
	if !ok || !strings.Contains(held.stacks, "SIGQUIT") || !strings.Contains(held.stacks, "bench.deaf") {
		t.Errorf("stacks of a deaf child: %v\n%s", stacks, held.stacks)
	}
	if p.alive() {
		t.Error("the child lives on")
	}
}

// TestDeath: what a child said before it died is told.
func TestDeath(t *testing.T) {
	p := start(t, newStage(t), roleDies)
	_, err := p.tell(t.Context(), order{Op: opUsage}, patience)
	if err == nil || err.Error() != "the test's child died (exit status 3):\nthe reason that is told" {
		t.Errorf("a child that dies: %v", err)
	}
	if _, err = p.tell(t.Context(), order{Op: opUsage}, patience); err == nil || !strings.Contains(err.Error(), "died") {
		t.Errorf("a dead child: %v", err)
	}
}

// TestChildErrors: a child's error is told and does not end it.
func TestChildErrors(t *testing.T) {
	p := start(t, newStage(t), roleClient)
	for _, o := range []order{{Op: "dance"}, {Op: opStart, System: "telepathy"}} {
		if _, err := p.tell(t.Context(), o, patience); err == nil || !strings.HasPrefix(err.Error(), "the test's child: no s") {
			t.Errorf("order %+v: %v", o, err)
		}
	}
	if _, err := p.tell(t.Context(), order{Op: opStart, System: "unix", Addr: "/nowhere"}, patience); err != nil {
		t.Fatal(err)
	}
	spec := load.Spec{Work: load.Call, Form: load.Copy, Bytes: 32, Reply: 32, Callers: 1}
	if _, err := p.tell(t.Context(), order{Op: opPrepare, Spec: &spec}, patience); err == nil || !strings.Contains(err.Error(), "connecting: ") {
		t.Errorf("connecting to nobody: %v", err)
	}
}

// TestAffinity: a child starts on the CPU it was given and this process keeps
// all of its own.
func TestAffinity(t *testing.T) {
	s := newStage(t)
	for _, cpu := range append([]int{anywhere}, s.launcher.cpus...) {
		p, err := s.launcher.spawn(roleClient, "the test's child", cpu, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.end)
		if _, err := p.tell(t.Context(), order{Op: opUsage}, patience); err != nil {
			t.Fatal(err)
		}
		want := "" // what all of them look like
		if cpu != anywhere {
			want = fmt.Sprint(cpu)
		}
		got := allowedList(t, p.cmd.Process.Pid)
		if cpu == anywhere {
			want = allowedList(t, os.Getpid())
		}
		if got != want {
			t.Errorf("started on CPU %d: may use %q, want %q", cpu, got, want)
		}
	}
	if again, err := newLauncher(); err != nil || fmt.Sprint(again.cpus) != fmt.Sprint(s.launcher.cpus) {
		t.Errorf("this process has %v afterwards, %v", again.cpus, err)
	} else {
		again.close()
	}
}

// allowedList returns Cpus_allowed_list of a process.
func allowedList(t *testing.T, pid int) string {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "Cpus_allowed_list:")
	list, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(list)
}

// TestFootprint looks at this process: it is there, and shared memory that it
// touches is found.
func TestFootprint(t *testing.T) {
	f, err := footprintOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if f.residentKB <= 0 || f.proportionalKB <= 0 || f.proportionalKB > f.residentKB || f.descriptors < 3 {
		t.Errorf("this process holds %+v", f)
	}
	if cpu, err := cpuOf(os.Getpid()); err != nil || cpu <= 0 {
		t.Errorf("this process used %v s, %v", cpu, err)
	}
	if _, err := cpuOf(1<<22 + 1); err == nil {
		t.Error("a process that is not there has a CPU clock")
	}
	if got := (footprint{30, 20, 10, 3}).since(footprint{10, 10, 0, 1}, 10).plus(footprint{1, 1, 1, 1}); got != (footprint{3, 2, 2, 1.2}) {
		t.Errorf("growth %+v", got)
	}
}

// TestHogs: they run, and one that has died is an error.
func TestHogs(t *testing.T) {
	r := &runner{stage: *newStage(t)}
	h, err := r.startHogs(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.stop(); err != nil {
		t.Errorf("hogs that ran: %v", err)
	}
	if err := h.stop(); err == nil || !strings.Contains(err.Error(), "CPU hog 1 died") {
		t.Errorf("hogs that were dead: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.startHogs(ctx, 1); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("hogs in no time: %v", err)
	} else if err == nil {
		t.Log("the hog was quicker than the look at the context")
	}
}

func TestTail(t *testing.T) {
	var buf tail
	for range 3 {
		if _, err := buf.Write([]byte(strings.Repeat("x", tailBytes-1) + "y")); err != nil {
			t.Fatal(err)
		}
	}
	if s := buf.String(); len(s) != tailBytes || !strings.HasSuffix(s, "xy") {
		t.Errorf("kept %d bytes", len(s))
	}
}
