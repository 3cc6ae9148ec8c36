package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// briefly is every line of some systems, as short as can be.
func briefly(systems ...string) Options {
	return Options{Quick: true, JSON: true, Pairs: 1, measure: time.Millisecond, systems: systems}
}

// bench runs o in a temporary directory of its own and returns stdout; nothing
// may be left there.
func bench(t *testing.T, o Options) (stdout string, err error) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	var out, errs bytes.Buffer
	err = Run(t.Context(), o, &out, &errs)
	left, e := os.ReadDir(dir)
	if e != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, e)
	}
	if err != nil {
		t.Logf("stderr:\n%s", &errs)
	}
	return out.String(), err
}

// TestEveryLine runs all work of each system between real processes and looks
// for each line and its figures.
func TestEveryLine(t *testing.T) {
	for system, work := range map[string][]string{
		"unix": nil, "lpc": nil,
		"netrpc": {"call/32", "view/64k", "callers/8", "send", "connect", "idle"}, // the rest is gob and takes long
	} {
		t.Run(system, func(t *testing.T) {
			o := briefly(system)
			o.Work = work
			out, err := bench(t, o)
			if err != nil {
				t.Fatal(err)
			}
			seen := make(map[string]record)
			dec := json.NewDecoder(strings.NewReader(out))
			for dec.More() {
				var r record
				if err := dec.Decode(&r); err != nil {
					t.Fatal(err)
				}
				seen[fmt.Sprint(r.Work, r.Bytes, r.ReplyBytes, r.Callers, r.Placement, r.Form, r.System)] = r
			}
			for _, want := range wanted(system, work) {
				got, ok := seen[fmt.Sprint(want.Work, want.Bytes, want.ReplyBytes, want.Callers, want.Placement, want.Form, want.System)]
				if !ok {
					t.Errorf("no line for %+v", want)
				}
				if want.Form == "copy" && (got.MeanUS.v <= 0 || got.P50US.v <= 0 || got.P99US.v < got.P50US.v || got.P999US.v < got.P99US.v) {
					t.Errorf("times that cannot be: %+v", got)
				}
				if (want.Form == "copy" || want.Work == "send") && (got.PerS.v <= 0 || got.CPU.v <= 0) {
					t.Errorf("rates that cannot be: %+v", got)
				}
			}
		})
	}
}

// wanted lists the records of every line of a system.
func wanted(system string, work []string) []record {
	all := []record{{Work: "idle", Placement: free, System: system}, {Work: "idle", Callers: some(64), Placement: free, System: system}}
	for _, ph := range newPlan(Options{Work: work}).phases {
		if ph.placement == diff && oneCPU() {
			continue
		}
		for _, it := range ph.items {
			if system == "netrpc" && it.spec.Work == "send" {
				continue
			}
			all = append(all, record{Work: it.spec.Work, Bytes: positive(it.spec.Bytes), ReplyBytes: positive(it.spec.Reply),
				Callers: positive(it.spec.Callers), Placement: ph.placement, Form: it.spec.Form, System: system})
		}
	}
	return all
}

func oneCPU() bool {
	l, err := newLauncher()
	if err != nil {
		return true
	}
	defer l.close()
	return len(l.cpus) < 2
}

// UnmarshalJSON is for tests, which read what was written.
func (n *number) UnmarshalJSON(b []byte) error {
	n.ok = true
	return json.Unmarshal(b, &n.v)
}

// TestTurns runs three systems with the floor, beside a hog, and reads the
// table.
func TestTurns(t *testing.T) {
	o := briefly("unix", "netrpc")
	o.JSON, o.Hogs, o.Rounds, o.Work, o.Placements = false, 1, 2, []string{"call/32"}, []string{free}
	out, err := bench(t, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"== placement free beside 1 hog: 1 pair of processes, 2 rounds each ==", "unix", "netrpc", "floor"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// TestCancelled: an interrupt in the middle ends the run and leaves nothing.
func TestCancelled(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := briefly("unix")
	o.measure = time.Hour // only the cancel can end it
	o.Work = []string{"call/32"}
	o.heard = func(string) { cancel() }
	err := Run(ctx, o, io.Discard, io.Discard)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "call/32, placement free") {
		t.Errorf("cancelled in the middle of an hour: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestDeathIsReported kills the children of a running measurement: the error
// names the work and who died, and what was measured before is printed.
func TestDeathIsReported(t *testing.T) {
	o := briefly("unix")
	o.Work, o.Placements = []string{"call/32", "call/304"}, []string{free}
	o.heard = func(what string) {
		if strings.Contains(what, "call/304") {
			killChildren(t)
		}
	}
	out, err := bench(t, o)
	if err == nil || !strings.Contains(err.Error(), "call/304, placement free: the server of unix died (signal: killed)") {
		t.Errorf("a server killed in the middle: %v", err)
	}
	if !strings.Contains(out, `"bytes":32,`) || strings.Contains(out, `"bytes":304,`) {
		t.Errorf("printed:\n%s", out)
	}
}

// killChildren kills all servers that this process has started.
func killChildren(t *testing.T) {
	t.Helper()
	self := fmt.Sprint(os.Getpid())
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ") // then state and parent
		if f := strings.Fields(rest); len(f) < 2 || f[1] != self {
			continue
		}
		env, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil || !strings.Contains(string(env), RoleEnv+"="+roleServer) {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(filepath.Base(dir), "%d", &pid); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
}
