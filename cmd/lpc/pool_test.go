package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/proctest"
	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/kd/holdings"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/live"
	"github.com/seed-eedd8485/lpc/target/snapshot"
)

// sums are numbers by tag: allocations, frees, and bytes.
type sums map[string][3]uint64

func (s sums) add(tag string, allocs, frees, n uint64) {
	v := s[tag]
	s[tag] = [3]uint64{v[0] + allocs, v[1] + frees, v[2] + n}
}

func (s sums) String() string {
	b, _ := json.MarshalIndent(s, "", " ")
	return string(b)
}

// What lpc pool prints as a table and as JSON, and !poolused, verbose, as text and as
// JSON, are the same numbers. So are what the pools count themselves and what a walk
// over their blocks finds.
func TestPoolAgrees(t *testing.T) {
	cmd := exec.Command("testserver", "hold", "agree")
	cmd.Env = append(os.Environ(), "LPC_ROOT="+t.TempDir())
	holder := proctest.Start(t, cmd)
	holder.Expect(t, "holding")
	holder.Freeze(t)
	pid := holder.PID()
	path := filepath.Join(t.TempDir(), "file")
	l, err := live.Open(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if _, err := snapshot.Save(path, l.View, snapshot.Here()); err != nil {
		t.Fatal(err)
	}
	file, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	report, err := holdings.Look(t.Context(), records.NewReader(file))
	if err != nil || len(report.Trouble) > 0 {
		t.Fatal(err, report)
	}

	table := sums{}
	row := regexp.MustCompile(`(?m)^(.{4}) +(\d+)  \S+ +(paged|nonpaged|sections) +(\d+) +(\d+) +(\d+) +(\d+)$`)
	for _, m := range row.FindAllStringSubmatch(string((&poolCmd{}).text(nil, report)), -1) {
		if m[2] != strconv.Itoa(pid) {
			t.Errorf("a row of process %s: %s", m[2], m[0])
		}
		table.add(m[1], num(t, m[4]), num(t, m[5]), num(t, m[7]))
		if num(t, m[4])-num(t, m[5]) != num(t, m[6]) {
			t.Errorf("the difference is wrong: %s", m[0])
		}
	}
	doc := sums{}
	var d holdings.Document
	if err := json.Unmarshal((&poolCmd{JSON: true}).text(nil, report), &d); err != nil {
		t.Fatal(err)
	}
	for _, r := range d.Tags {
		doc.add(r.Tag, r.Allocs, r.Frees, r.Bytes)
	}
	walked, counted := sums{}, sums{}
	for _, h := range d.Holders {
		walked.add(h.Tag, h.Blocks, 0, h.Bytes)
	}
	for _, r := range d.Tags {
		if r.Diff > 0 {
			counted.add(r.Tag, r.Diff, 0, r.Bytes)
		}
	}
	text := sums{}
	row = regexp.MustCompile(`(?m)^ (.{4})  +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)(\t.*)?$`)
	for _, m := range row.FindAllStringSubmatch(kdText(t, kd.NewSession(file), "!poolused 1"), -1) {
		text.add(m[1], num(t, m[2])+num(t, m[6]), num(t, m[3])+num(t, m[7]), num(t, m[5])+num(t, m[9]))
	}
	s := kd.NewSession(file)
	s.JSON = true
	var used struct {
		Result struct {
			Tags []struct {
				Tag             string
				NonPaged, Paged struct{ Allocs, Frees, Bytes uint64 }
			}
		}
	}
	if err := json.Unmarshal([]byte(kdText(t, s, "!poolused 1")), &used); err != nil {
		t.Fatal(err)
	}
	object := sums{}
	for _, u := range used.Result.Tags {
		object.add(u.Tag, u.NonPaged.Allocs+u.Paged.Allocs, u.NonPaged.Frees+u.Paged.Frees, u.NonPaged.Bytes+u.Paged.Bytes)
	}
	for name, got := range map[string]sums{"the table of lpc pool": table, "!poolused": text, "!poolused as JSON": object} {
		if got.String() != doc.String() {
			t.Errorf("%s and lpc pool --json differ: %s\n%s", name, got, doc)
		}
	}
	if counted.String() != walked.String() {
		t.Errorf("what the pools count and what a walk finds differ: %s\n%s", counted, walked)
	}
	if v := doc["Leak"]; v[0] != 7 || v[1] != 4 || doc["a b "][0] != 6 || doc["Good"][0] != 7 {
		t.Errorf("the test's own allocations: %s", doc)
	}
}

func num(t *testing.T, text string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func kdText(t *testing.T, s *kd.Session, line string) string {
	t.Helper()
	var b strings.Builder
	if err := s.Run(t.Context(), &b, line); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Growth stands beside each number that changed, and beside no other.
func TestPoolGrowth(t *testing.T) {
	for _, c := range []struct {
		now, was uint64
		want     string
	}{{5, 5, ""}, {7, 5, "+2"}, {5, 7, "-2"}, {0, 0, ""}} {
		if got := growth(c.now, c.was); got != c.want {
			t.Errorf("%d after %d: %q, want %q", c.now, c.was, got, c.want)
		}
	}
}

// Limits that are nearly used up, and what failed, stand below the table.
func TestPoolLimits(t *testing.T) {
	r := &holdings.Report{
		Accounts: []target.PoolAccount{
			{Process: target.Process{ID: 1, Image: "full"}, Used: 95, Limit: 100, Failures: 2, FailedQuota: "pool\x1blimit"},
			{Process: target.Process{ID: 2, Image: "fine"}, Used: 89, Limit: 100},
		},
		Quotas:  []holdings.Quota{{Process: 1, Port: "spool", UID: 5, Granted: 90, Limit: 100}, {Process: 1, Port: "other", UID: 5, Granted: 89, Limit: 100}},
		Trouble: []string{"something"},
	}
	var b bytes.Buffer
	poolLimits(&b, r.Document())
	want := `Excessive: full 1 has 95 of the 100 bytes that its pool may have
Failed: 2 allocations of full 1; the last one met: pool\u{1b}limit
Excessive: port spool of process 1 has granted uid 5 section memory of 90 of 100 bytes
Note: something
`
	if b.String() != want {
		t.Errorf("%s\nwant\n%s", b.String(), want)
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		text          string
		columns, rows int
		want          string
	}{
		{"abc\nd\n", 0, 0, "abc\nd\n"}, {"abc\nd\n", 2, 0, "ab\nd\n"}, {"éèê\n", 2, 9, "éè\n"}, {"", 5, 5, ""},
		{"1\n2\n3\n", 9, 4, "1\n2\n3\n"}, {"1\n2\n3\n4\n", 9, 4, "1\n2\n... 2 more\n"}, {"1\n2\n", 9, 2, "... 2 more\n"}, {"1\n2\n", 9, 1, "1\n2\n"},
	} {
		if got := string(fit([]byte(c.text), c.columns, c.rows)); got != c.want {
			t.Errorf("%q on %d by %d: %q, want %q", c.text, c.columns, c.rows, got, c.want)
		}
	}
}

// Numbers are aligned on the right, all else on the left; text from a target counts by
// its characters.
func TestColumns(t *testing.T) {
	var c columns
	c.row("NAME", "N", "+", "END")
	c.row("é", "5", "", "x")
	c.row("abcdef", "1234", "+7", "")
	var b bytes.Buffer
	c.print(&b)
	want := "NAME       N   +  END\né          5      x  \nabcdef  1234  +7     \n"
	if b.String() != want {
		t.Errorf("%q\nwant\n%q", b.String(), want)
	}
}
