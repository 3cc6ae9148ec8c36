package kd_test

import (
	"context"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/kd/picture"
	"github.com/seed-eedd8485/lpc/kd/picture/picturetest"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
)

var moment = regexp.MustCompile(` at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`)

// structure is what lpc graph draws of a target.
func structure(t *testing.T, tg target.Target) string {
	t.Helper()
	if err := target.Refresh(tg); err != nil {
		t.Fatal(err)
	}
	c, err := census.Take(context.Background(), records.NewReader(tg))
	if err != nil {
		t.Fatal(err)
	}
	var svg strings.Builder
	if err := picture.Build(c, picture.Limit).WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	text, err := picturetest.Structure(svg.String())
	if err != nil {
		t.Fatal(err)
	}
	return moment.ReplaceAllString(text, "")
}

// What is old depends on how long a test takes.
var ages = strings.NewReplacer(" old:", ":")

// TestPicture draws each state of real processes, live and from a snapshot.
func TestPicture(t *testing.T) {
	for i := range scenes {
		sc := &scenes[i]
		t.Run(sc.name, func(t *testing.T) {
			s := play(t, sc)
			_, pids, ids := s.commands(t)
			text := ages.Replace(newNormalizer(pids, ids).text(structure(t, s.target)))
			golden.Text(t, "picture/"+strings.ReplaceAll(sc.name, " ", "_")+".txt", text)
			if red := strings.Contains(text, " proved: "); red != strings.Contains(text, "verdict: Deadlock, proved") {
				t.Errorf("red is drawn: %v\n%s", red, text)
			}
			if got := ages.Replace(newNormalizer(pids, ids).text(structure(t, s.snapshot(t)))); got != text && sc.name != "dead client" { // a snapshot does not tell that a process had ended
				t.Errorf("the snapshot and the running processes: %s", golden.Differ(got, text))
			}
		})
	}
}

// A census of ports that a test wrote: everything is counted once, and what cannot be
// read has its sentence.
func TestCensus(t *testing.T) {
	pools := ring(3, 1)
	tg := newFakeTarget(pools...)
	c, err := census.Take(context.Background(), records.NewReader(tg))
	if err != nil {
		t.Fatal(err)
	}
	ports, connections := 0, 0
	for _, p := range c.Ports {
		if !p.Callback {
			ports++
			if p.Limit != 1 || p.Busy != 1 || p.Queue > 1 {
				t.Errorf("port %+v", p)
			}
		}
	}
	for _, k := range c.Connections {
		connections += k.Count
		if q, ok := c.Process(k.Server); !ok || q.Unreadable != "" {
			t.Errorf("connection %+v leads to %+v", k, q)
		}
	}
	if ports != 3 || connections != 4 || len(c.Processes) != 4 || len(c.Cycles) != 1 || !c.Cycles[0].Proved || len(c.Graph.State().Waits) != 4 {
		t.Errorf("%d ports, %d connections, %d processes, cycles %+v", ports, connections, len(c.Processes), c.Cycles)
	}
	var b strings.Builder
	if err := c.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var j struct {
		Waits  []struct{ State *string }
		Cycles []struct{ Waits []int }
	}
	if err := json.Unmarshal([]byte(b.String()), &j); err != nil || len(j.Waits) != 4 || len(j.Cycles) != 1 || len(j.Cycles[0].Waits) != 3 {
		t.Errorf("%v: %s", err, b.String())
	}

	// Without the second process its clients wait for one that is not shown.
	c, err = census.Take(context.Background(), records.NewReader(newFakeTarget(pools[0], pools[2], pools[3])))
	if err != nil {
		t.Fatal(err)
	}
	if q, ok := c.Process(1001); !ok || q.Unreadable != "this target does not show it" || len(c.Cycles) != 0 {
		t.Errorf("the process that is missing is %+v; cycles %+v", q, c.Cycles)
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := census.Take(ctx, records.NewReader(large())); err == nil {
		t.Error("a census went on after its context had ended")
	}
}

// BenchmarkCensus is a look at ten thousand ports and a hundred thousand messages, and
// its picture.
func BenchmarkCensus(b *testing.B) {
	tg := large()
	for b.Loop() {
		c, err := census.Take(context.Background(), records.NewReader(tg))
		if err != nil {
			b.Fatal(err)
		}
		if err := picture.Build(c, picture.Limit).WriteSVG(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// TestPictureNT draws what stands in the memory of a Windows machine: the records are
// others, the picture is the same.
func TestPictureNT(t *testing.T) {
	golden.Text(t, "picture/nt.txt", structure(t, seed(t)))
}
