package kd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/elfcore"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// TestCores: of the core files that gcore and the kernel write of a scene's processes,
// every command says what it says of the processes.
func TestCores(t *testing.T) {
	for i := range scenes {
		sc := &scenes[i]
		if sc.name == "dead client" {
			continue // of which no core can be taken any more
		}
		t.Run(sc.name, func(t *testing.T) {
			if quick := sc.name == "two" || sc.name == "flood"; !quick && !needs.CI() {
				needs.Elsewhere(t, "LPC_CI=1 (gdb takes seconds for each scene)")
			}
			s := play(t, sc)
			if sc.name == "lock" {
				s.until(t, "!deadlock", "Possible deadlock")
			}
			list, pids, ids := s.commands(t)
			for _, c := range s.children { // so that no goroutine moves between the readings
				c.freeze(t)
			}
			want := newNormalizer(pids, ids).text(s.script(t, list))
			t.Run("gcore", func(t *testing.T) {
				s.isAlike(t, sc, gcores(t, s.children), list, want, pids, ids)
			})
			t.Run("core", func(t *testing.T) {
				s.isAlike(t, sc, crash(t, s.children), list, want, pids, ids)
			})
		})
	}
}

// isAlike carries out the commands on cores of the scene.
func (s *stage) isAlike(t *testing.T, sc *scene, cores []target.Target, list []string, want string, pids []int, ids []uint32) {
	t.Helper()
	tg, err := target.Join(cores...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tg.Close() })
	of := &stage{target: tg, session: kd.NewSession(tg)}
	if got := newNormalizer(pids, ids).text(of.script(t, list)); got != want {
		t.Errorf("the cores and the processes: %s", golden.Differ(got, want))
	}
	of.run(t, "!deadlock")
	if of.session.Status != sc.status {
		t.Errorf("!deadlock: status %d, want %d", of.session.Status, sc.status)
	}
}

// freeze stops a process and waits until it has stopped.
func (c *child) freeze(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(c.pid()) + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(b[strings.LastIndexByte(string(b), ')')+1:]), " T") {
			return
		}
	}
}

// cannot skips a test that this machine cannot run, and fails it in CI.
func cannot(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("LPC_CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func gcores(t *testing.T, procs []*child) (list []target.Target) {
	t.Helper()
	tool, err := exec.LookPath("gcore")
	if err != nil {
		cannot(t, "gcore (of gdb) is not installed")
	}
	for _, p := range procs {
		prefix := filepath.Join(t.TempDir(), "core")
		if out, err := exec.Command(tool, "-o", prefix, strconv.Itoa(p.pid())).CombinedOutput(); err != nil {
			t.Fatalf("gcore: %v\n%s", err, out)
		}
		list = append(list, opened(t, prefix+"."+strconv.Itoa(p.pid())))
	}
	return list
}

func opened(t *testing.T, path string) target.Target {
	t.Helper()
	tg, err := elfcore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return tg
}

// crash ends stopped processes with SIGABRT at one time and opens the cores that the
// kernel writes.
func crash(t *testing.T, procs []*child) (list []target.Target) {
	t.Helper()
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil || strings.HasPrefix(string(pattern), "|") || strings.HasPrefix(string(pattern), "/") {
		cannot(t, "/proc/sys/kernel/core_pattern does not leave core files where a process ran: "+strings.TrimSpace(string(pattern)))
	}
	for _, sig := range []os.Signal{syscall.SIGABRT, syscall.SIGCONT} {
		for _, p := range procs {
			if err := p.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, p := range procs {
		_ = p.cmd.Wait()
		st, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
		files, _ := filepath.Glob(filepath.Join(p.cmd.Dir, "core*"))
		if !ok || !st.CoreDump() || len(files) != 1 {
			cannot(t, "the kernel wrote no core file: is the limit on cores (ulimit -Hc) 0?")
		}
		list = append(list, opened(t, files[0]))
	}
	return list
}

// erased is an extent whose first page reads as zeros.
type erased struct{ lpcpool.Bytes }

const pageSize = 0x1000

func (e erased) ReadAt(dst []byte, off uint64) (int, string) {
	n, why := e.Bytes.ReadAt(dst, off)
	if off < pageSize {
		clear(dst[:min(uint64(n), pageSize-off)])
	}
	return n, why
}

func (e erased) Hole(off uint64) bool { return off < pageSize || e.Bytes.Hole(off) }

// TestErasedHeader: with the first page of every pool gone, the messages of the scene
// are found by their tag.
func TestErasedHeader(t *testing.T) {
	s := play(t, named(t, "queued"))
	w := s.world(t)
	if len(w.Messages) != 3 {
		t.Fatalf("the scene has %d messages", len(w.Messages))
	}
	var pools []*lpcpool.Pool
	for _, l := range s.live {
		for _, p := range l.Pools() {
			q := *p
			q.Grow, q.Gone, q.Extents = nil, nil, map[uint32]lpcpool.Bytes{}
			for i, b := range p.Extents {
				if q.Extents[i] = b; i == 0 {
					q.Extents[i] = erased{b}
				}
			}
			pools = append(pools, &q)
		}
	}
	of := &stage{target: fakeTarget{lpcpool.New(pools)}}
	of.session = kd.NewSession(of.target)
	all := of.run(t, "!lpc message")
	for _, m := range w.Messages {
		id := strconv.FormatUint(uint64(m.ID), 16)
		if !strings.Contains(all, id) {
			t.Errorf("!lpc message does not show message %s:\n%s", id, all)
		}
	}
	id := strconv.FormatUint(uint64(w.Messages[0].ID), 16)
	if out := of.run(t, "!lpc PoolSearch; !lpc message "+id); !strings.Contains(out, "Busy  Id="+strings.Repeat("0", 8-len(id))+id) {
		t.Errorf("!lpc PoolSearch does not find message %s:\n%s", id, out)
	}
}
