package kd_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

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
			if sc.name == "lock" {
				s.until(t, "!deadlock", "Possible deadlock") // a handler is taken for stuck when it has run for a second
			}
			_, pids, ids := s.commands(t)
			text := ages.Replace(newNormalizer(pids, ids).text(structure(t, s.target)))
			golden(t, "picture/"+strings.ReplaceAll(sc.name, " ", "_")+".txt", text)
			if red := strings.Contains(text, " proved: "); red != strings.Contains(text, "verdict: Deadlock, proved") {
				t.Errorf("red is drawn: %v\n%s", red, text)
			}
			if got := ages.Replace(newNormalizer(pids, ids).text(structure(t, s.snapshot(t)))); got != text && sc.name != "dead client" { // a snapshot does not tell that a process had ended
				t.Errorf("the snapshot and the running processes: %s", differ(got, text))
			}
		})
	}
}
