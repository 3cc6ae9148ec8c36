package kd_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/internal/proctest"
	"github.com/seed-eedd8485/lpc/internal/targettest"
	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/live"
	"github.com/seed-eedd8485/lpc/target/snapshot"
)

// A leakage is a leaker as a debugger sees it.
type leakage struct {
	*stage
	pid int
}

const leakQuota = 1 << 20

func startLeaker(t *testing.T, env ...string) *leakage {
	t.Helper()
	watchdog(t)
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	s := &stage{children: []*proctest.Child{start(t, t.TempDir(), "leaker", "spool", fmt.Sprint(leakQuota))}}
	s.open(t)
	s.session.Open = func(path string) (target.Target, error) { return snapshot.Format.Open(path) }
	return &leakage{s, s.children[0].PID()}
}

// do has the process do something.
func (l *leakage) do(t *testing.T, line string) {
	t.Helper()
	l.children[0].Say(t, line)
	l.children[0].Expect(t, "done")
}

// save takes a snapshot.
func (l *leakage) save(t *testing.T) string {
	t.Helper()
	tg, err := live.Open(l.pid)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tg.Close() }()
	path := filepath.Join(t.TempDir(), "before.snap")
	if _, err := snapshot.Save(path, tg.View, snapshot.Here()); err != nil {
		t.Fatal(err)
	}
	return path
}

// want wants lines, one behind the other; each is a regular expression.
func want(t *testing.T, text string, lines ...string) {
	t.Helper()
	rest := text
	for _, l := range lines {
		at := regexp.MustCompile(`(?m)^` + l + `$`).FindStringIndex(rest)
		if at == nil {
			t.Errorf("no line %s in what is left of\n%s", l, text)
			return
		}
		rest = rest[at[1]:]
	}
}

// TestLeak: who leaks is found by tag, by owner, by growth and by the line of code.
func TestLeak(t *testing.T) {
	l := startLeaker(t, "LPC_STACKS=1")
	l.do(t, "take 2 20000 Leak")
	l.do(t, "take 1 5000 Good")
	path := l.save(t)
	l.do(t, "take 5 20000 Leak")
	l.do(t, "give 1")
	const allocs, size = 7, 32768
	want(t, l.run(t, "!poolused 4"),
		`   Sorting by Paged Pool Consumed`, `  Pool Used:`, `            NonPaged            Paged`, ` Tag    Allocs     Used    Allocs     Used`,
		fmt.Sprintf(` Leak        0         0  %7d  %8d`, allocs-1, (allocs-1)*size), ` Good        0         0        1     16384`, ` TOTAL       0         0 .*`)
	want(t, l.run(t, "!poolused 1 Leak"), ` Tag    Allocs     Frees      Diff      Used    Allocs     Frees      Diff      Used`,
		fmt.Sprintf(` Leak        0         0         0         0  %8d  %8d  %8d  %8d`, allocs, 1, allocs-1, (allocs-1)*size))
	const where = `kd_test\.leaker \(leaker_test\.go:\d+\)`
	owner := fmt.Sprintf(`kd\.test %d, port spool, sections, allocated in .*%s`, l.pid, where)
	want(t, l.run(t, "!poolused 10 Leak"), `  By owner:`, fmt.Sprintf(` Leak  %7d  %8d  %s`, allocs-1, (allocs-1)*size, owner))
	diff := l.run(t, "!pooldiff "+path)
	want(t, diff, `Since .*before\.snap, .* ago`, ` Tag     Blocks       Bytes    Blocks/h       Bytes/h  Owner`,
		fmt.Sprintf(` Leak        \+4     \+131072 +\S+ +\S+  %s: 5 allocated, 1 freed`, owner), ` TOTAL .*`)
	if strings.Contains(diff, "Good") {
		t.Errorf("what did not grow is shown:\n%s", diff)
	}
	found := l.run(t, "!poolfind Leak")
	want(t, found, `Scanning large pool allocation table for Tag: Leak \([0-9a-f]{16} : [0-9a-f]{16}\)`, fmt.Sprintf(`Searching Paged pool \(.* : .*\) for Tag: Leak  Process: %04x \(%d\)`, l.pid, l.pid))
	blocks := regexp.MustCompile(`(?m)^([0-9a-f]{16}) size: 8000 previous size:    0  \(Allocated\) Leak  Process: .*`+where+`$`).FindAllStringSubmatch(found, -1)
	if len(blocks) != allocs-1 {
		t.Fatalf("%d blocks, want %d:\n%s", len(blocks), allocs-1, found)
	}
	want(t, l.run(t, "!pool "+blocks[0][1]+" 2"), `Pool page \S+ region is Paged pool of process \d+`, `\*\S+ size:   80 previous size: +[0-9a-f]+  \(Allocated\) \*Sect  Process: .*`,
		`\t\tPooltag Sect : .*`, `\t\tSection \d+ of port [0-9a-f]{16}: 8000 bytes mapped at [0-9a-f]{16}`, `\t\tAllocated: 4e20 bytes under tag Leak`, `\t\t    .*kd_test\.leaker \(.*leaker_test\.go:\d+\)`)

	// The same of the file alone, as it was then.
	old, err := snapshot.Format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Close() }()
	then := &stage{target: old, session: kd.NewSession(old)}
	want(t, then.run(t, "!poolused 4"), ` Leak        0         0        2     65536`)
	if text := then.run(t, "!pooldiff "+path); text != "error: !pooldiff: this program opens no further files\n" {
		t.Error(text)
	}
	then.session.Open = l.session.Open
	if text := then.run(t, "!pooldiff "+path); !strings.HasSuffix(text, "Nothing grew\n") {
		t.Error(text)
	}
	if text := l.run(t, "!pooldiff "+filepath.Join(t.TempDir(), "none")); !strings.HasPrefix(text, "error: !pooldiff: ") {
		t.Error(text)
	}
}

// TestNoCaller: without LPC_STACKS=1 nobody is named.
func TestNoCaller(t *testing.T) {
	l := startLeaker(t, "LPC_STACKS=0")
	l.do(t, "take 1 20000 Leak")
	want(t, l.run(t, "!poolused 10 Leak"), ` Leak        1     32768  kd\.test \d+, port spool, sections`)
}

// TestVMLimits: what a user was granted is marked from 90 per cent of the port's limit
// on, and what failed names its quota. A locked pool is nonpaged.
func TestVMLimits(t *testing.T) {
	l := startLeaker(t)
	const excessive = `\t\*{10} Excessive Section Memory Usage \*{5}`
	l.do(t, "take 57 16384 Leak") // 933888 of 1048576 bytes: 89 per cent
	if text := l.run(t, "!vm"); strings.Contains(text, "Excessive") || strings.Contains(text, "failed") {
		t.Errorf("at 89 per cent:\n%s", text)
	}
	l.do(t, "take 1 16384 Leak")
	want(t, l.run(t, "!vm"), `\*{3} Virtual Memory Usage \*{3}`, `\tPhysical Memory: +\(.*\)`, `\tNonPagedPool Usage: +0 \(         0 Kb\)`,
		fmt.Sprintf(`\tPagedPool %d Usage:`+` +\d+ \( +\d+ Kb\)`, l.pid), `\tPagedPool Usage: .*`, `\tPagedPool Maximum: .*`,
		`\tSection Memory: +232 \(       928 Kb\)`, `\tSection Memory Used: +232 \(       928 Kb\)`, excessive,
		fmt.Sprintf(`\t   kd\.test %d, port spool: 950272 of 1048576 bytes granted to uid %d`, l.pid, os.Geteuid()),
		``, `\tTotal Private: .*`, fmt.Sprintf(` +%04x \(%d\) kd\.test .*`, l.pid, l.pid))
	l.do(t, "ask 262144")
	l.do(t, "ask 262144")
	text := l.run(t, "!vm 1")
	want(t, text, excessive, `\t\*{10} 2 pool allocations have failed \*{10}`, fmt.Sprintf(`\t   kd\.test %d: 2, the last of 262144 bytes with tag Much: section bytes of one uid`, l.pid))
	if strings.Contains(text, "Private") {
		t.Errorf("flag 1 shows processes:\n%s", text)
	}
	l.do(t, "lock")
	want(t, l.run(t, "!vm 1"), `\tNonPagedPool Usage: +[1-9]\d* .*`, `\tNonPagedPool Max: +[1-9]\d* .*`, `\tPagedPool Usage: +0 .*`)
	want(t, l.run(t, "!poolused 2 Pool"), ` Pool  +[1-9]\d* +[1-9]\d* +0 +0\t.*`)
	want(t, l.run(t, "!poolfind Port"), `Searching NonPaged pool .*`)
}

// TestExcessivePool: a pool is marked from 90 per cent of its limit on.
func TestExcessivePool(t *testing.T) {
	for used, marked := range map[uint64]bool{0: false, 899: false, 900: true, 1000: true} {
		for locked, word := range []string{"Paged", "NonPaged"} {
			f := newFakePool(1000, pool.TypeDescription())
			const header = 1000<<40 | extentHead + blockHead
			f.put(header+64, encode(struct{ Limit, Used uint64 }{1000, used}))
			f.put(header+88, encode(uint32(locked)))
			text, _, err := run(t, newFakeTarget(f), "!vm 1")
			line := fmt.Sprintf("\t********** Excessive %s Pool Usage *****\n\t   p1000 1000: %d of 1000 bytes\n", word, used)
			if err != nil || strings.Contains(text, line) != marked || strings.Contains(text, "Excessive") != marked {
				t.Errorf("%d of 1000 bytes: %v\n%s", used, err, text)
			}
		}
	}
}

// TestPoolsAlike: a snapshot, a core that gcore writes and the process itself say the same.
func TestPoolsAlike(t *testing.T) {
	l := startLeaker(t, "LPC_STACKS=1")
	l.do(t, "take 3 20000 Leak")
	l.do(t, "give 1")
	l.do(t, "ask 2097152")
	l.children[0].Freeze(t)
	const line = "!vm; !poolused 11; !poolused 13; !poolfind *; !poolfind Leak"
	live := l.run(t, line)
	at := regexp.MustCompile(`(?m)^([0-9a-f]{16}) .* Leak`).FindStringSubmatch(live)
	if at == nil {
		t.Fatal(live)
	}
	page := "!pool " + at[1] + " 1"
	livePage := l.run(t, page)
	alike := func(name string, tg target.Target) {
		s := &stage{target: tg, session: kd.NewSession(tg)}
		if got := s.run(t, line); got != live {
			t.Errorf("%s: %s", name, golden.Differ(got, live))
		}
		if got := s.run(t, page); got != livePage {
			t.Errorf("%s: %s", name, golden.Differ(got, livePage))
		}
	}
	file, err := snapshot.Format.Open(l.save(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	alike("snapshot", file)
	t.Run("gcore", func(t *testing.T) {
		alike("core", targettest.Cores(t, proctest.Cores(t, l.children...)))
	})
}

// Of two joined processes the numbers are the sum.
func TestPoolsJoined(t *testing.T) {
	a, b := startLeaker(t), startLeaker(t)
	a.do(t, "take 3 20000 Leak")
	b.do(t, "take 4 20000 Leak")
	b.do(t, "lock")
	tg, err := target.Join(open(t, a.pid), open(t, b.pid))
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{target: tg, session: kd.NewSession(tg)}
	want(t, s.run(t, "!poolused 10 Leak"), ` Leak        0         0        7    229376`, ` Leak        4    131072  .*`, ` Leak        3     98304  .*`)
	text := s.run(t, "!poolfind Leak")
	if n := strings.Count(text, "(Allocated) Leak"); n != 7 || !strings.Contains(text, "Searching NonPaged pool") || !strings.Contains(text, "Searching Paged pool") {
		t.Errorf("%d blocks:\n%s", n, text)
	}
	for _, l := range []*leakage{a, b} {
		want(t, s.run(t, fmt.Sprintf("!pool %x", uint64(l.pid)<<40|0x60)), fmt.Sprintf(`Pool page \S+ region is (NonPaged|Paged) pool of process %d`, l.pid))
	}
	if text := s.run(t, "!pool 60"); !strings.HasPrefix(text, "error: !pool: ") {
		t.Error(text)
	}
}

func open(t *testing.T, pid int) target.Target {
	t.Helper()
	tg, err := live.Open(pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tg.Close() })
	return tg
}

// JSON of the pool commands.
func TestPoolJSON(t *testing.T) {
	l := startLeaker(t)
	path := l.save(t)
	l.do(t, "take 3 20000 Leak")
	l.session.JSON = true
	var used struct {
		Result struct {
			Tags []struct {
				Tag   string
				Paged struct{ Allocs, Frees, Bytes uint64 }
			}
		}
	}
	if err := json.Unmarshal([]byte(l.run(t, "!poolused 0 Leak")), &used); err != nil || len(used.Result.Tags) != 1 || used.Result.Tags[0].Paged.Bytes != 98304 {
		t.Errorf("%v %+v", err, used)
	}
	var diff struct {
		Result struct {
			Seconds float64
			Changes []struct {
				Tag, Port     string
				Blocks, Bytes int64
			}
		}
	}
	if err := json.Unmarshal([]byte(l.run(t, "!pooldiff "+path+" 0 Leak")), &diff); err != nil || len(diff.Result.Changes) != 1 || diff.Result.Seconds <= 0 ||
		diff.Result.Changes[0].Bytes != 98304 || diff.Result.Changes[0].Port != "spool" {
		t.Errorf("%v %+v", err, diff)
	}
}

// What is no tag, no pool, no flag: one sentence, and nothing printed.
func TestPoolArguments(t *testing.T) {
	tg := newFakeTarget(newFakePool(1000, nil))
	for _, line := range []string{
		"!poolfind", "!poolfind a b c", "!poolfind toolong", "!poolfind Port 3", "!poolfind Port 99", "!poolfind 0xfffffffff",
		"!pool", "!pool zz", "!pool 0 0 0", "!pool 3e80000000060 8", "!pool 5", "!pooldiff", "!pooldiff x 2", "!pooldiff x 0 Port more",
		"!poolused 20", "!poolused /t2x", "!pooldiff x 20", "!pooldiff x /t0", "!poolused 8", "!vm 0 0", "!vm x",
	} {
		text, _, err := run(t, tg, line)
		if err == nil || text != "" || strings.Contains(err.Error(), "\n") || errors.Is(err, kd.ErrQuit) || strings.HasPrefix(line, "!pooldiff") && strings.Contains(err.Error(), "!poolused") {
			t.Errorf("%s: %v, %q", line, err, text)
		}
	}
}
