package picture_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/kd/picture"
	"github.com/seed-eedd8485/lpc/kd/picture/picturetest"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

var pictures = flag.String("pictures", "", "a directory in which to put the pictures, to be looked at")

// draw is the picture of a census as SVG.
func draw(t testing.TB, name string, c *census.Census) (*picture.Picture, string) {
	t.Helper()
	p := picture.Build(c, picture.Limit)
	var svg, dot bytes.Buffer
	if err := p.WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	if err := p.WriteDOT(&dot); err != nil {
		t.Fatal(err)
	}
	if *pictures != "" {
		for ext, b := range map[string][]byte{".svg": svg.Bytes(), ".dot": dot.Bytes()} {
			if err := os.WriteFile(filepath.Join(*pictures, name+ext), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return p, svg.String()
}

// samples are systems of all sizes.
func samples() map[string]*census.Census {
	all := map[string]*census.Census{}
	one := newScene()
	one.process(100, "server")
	one.process(200, "client")
	port := one.port(100, "spool", 4)
	one.connect(200, port, 1)
	one.call(200, port, waitgraph.Served, 1234*time.Millisecond, 0)
	all["one"] = one.census()

	for _, n := range []int{1, 2, 3, 5, 12, 60} {
		ring := newScene()
		ring.ring(100, n, 61*time.Second)
		all[fmt.Sprintf("ring%d", n)] = ring.census()
	}

	queue := newScene()
	queue.process(100, "spooler")
	port = queue.port(100, "spool", 1)
	for i := range 40 {
		id := uint32(200 + i)
		queue.process(id, "client")
		queue.connect(id, port, 1)
		state := waitgraph.Queued
		if i == 0 {
			state = waitgraph.Served
		}
		queue.call(id, port, state, time.Duration(40-i)*300*time.Millisecond, 0)
	}
	all["queue40"] = queue.census()

	threads := newScene()
	threads.process(100, "spooler")
	threads.process(200, "client")
	port = threads.port(100, "spool", 1)
	threads.connect(200, port, 40)
	for i := range 40 {
		threads.call(200, port, []waitgraph.MessageState{waitgraph.Served, waitgraph.Queued}[min(i, 1)], time.Duration(40-i)*100*time.Millisecond, 0)
	}
	all["threads40"] = threads.census()

	for _, n := range []int{12, 25, 50, 500, 5000} {
		mesh := newScene()
		mesh.mesh(1000, n, 7)
		mesh.ring(100, 3, 42*time.Second)
		all[fmt.Sprintf("mesh%d", n)] = mesh.census()
	}

	idle := newScene()
	for i := range 30 {
		id := uint32(100 + i)
		idle.process(id, fmt.Sprintf("daemon%d", i))
		idle.port(id, fmt.Sprintf("service/%d", i), 4)
	}
	all["idle30"] = idle.census()

	many := newScene() // five hundred programs, each another
	for i := range 500 {
		id := uint32(100 + i)
		many.process(id, fmt.Sprintf("program%d", i))
		p := many.port(id, fmt.Sprintf("p/%d", i), 4)
		if i > 0 {
			many.connect(id, many.c.Ports[i/2].Addr, 1)
		}
		_ = p
	}
	all["programs500"] = many.census()
	return all
}

// Every sample is well formed, no larger than a reader can follow, and shows all of
// each cycle.
func TestSamples(t *testing.T) {
	for name, c := range samples() {
		t.Run(name, func(t *testing.T) {
			p, svg := draw(t, name, c)
			if _, err := picturetest.Structure(svg); err != nil {
				t.Error(err)
			}
			shown := map[uint32]*picture.Box{}
			for i := range p.Boxes {
				for _, id := range p.Boxes[i].Processes {
					if shown[id] != nil {
						t.Errorf("process %d is shown twice", id)
					}
					shown[id] = &p.Boxes[i]
				}
			}
			for _, q := range c.Processes {
				if shown[q.ID] == nil {
					t.Errorf("process %d is not shown", q.ID)
				}
			}
			members := 0
			for i := range c.Cycles {
				for _, h := range c.Cycles[i].Hops {
					members++
					box := shown[h.Wait.Process]
					if box == nil || len(box.Processes) != 1 || box.Mark != picture.Proved {
						t.Errorf("process %d of a cycle is shown as %+v", h.Wait.Process, box)
					}
				}
			}
			red := 0
			for _, e := range p.Edges {
				if e.Mark == picture.Proved {
					red++
				}
			}
			if red != members {
				t.Errorf("%d edges are red, the cycles have %d", red, members)
			}
			if most := max(picture.Limit, members+1); len(p.Boxes) > most {
				t.Errorf("%d boxes, want at most %d", len(p.Boxes), most)
			}
			for i := range p.Boxes {
				if n := len(p.Boxes[i].Rows); n > 40 {
					t.Errorf("box %s has %d rows", p.Boxes[i].Head, n)
				}
			}
		})
	}
}

// Up to the limit everything is shown by itself.
func TestNothingJoined(t *testing.T) {
	s := newScene()
	s.process(100, "server")
	port := s.port(100, "spool", 4)
	for i := range 24 { // 25 processes, a port, 24 waits
		id := uint32(200 + i)
		s.process(id, "client")
		s.connect(id, port, 1)
		s.call(id, port, waitgraph.Served, time.Second, 0)
	}
	if p := picture.Build(s.census(), 50); len(p.Boxes) != 25 || len(p.Edges) != 24 || len(p.Notes) != 0 {
		t.Errorf("at the limit: %d boxes, %d edges, %q", len(p.Boxes), len(p.Edges), p.Notes)
	}
	p := picture.Build(s.census(), 49)
	if len(p.Boxes) != 2 || len(p.Edges) != 1 || len(p.Notes) != 1 {
		t.Errorf("one above the limit: %d boxes, %d edges, %q", len(p.Boxes), len(p.Edges), p.Notes)
	}
	if row := p.Boxes[0].Rows[0]; p.Boxes[0].Head != "24 × client" && p.Boxes[1].Head != "24 × client" {
		t.Errorf("the clients are %q and %q: %+v", p.Boxes[0].Head, p.Boxes[1].Head, row)
	}
}

// Of four threads on, those of one process that wait for the same port are one line.
func TestAlikeWaits(t *testing.T) {
	for n, rows := range map[int]int{1: 1, 3: 3, 4: 1, 40: 1} {
		s := newScene()
		s.process(100, "server")
		s.process(200, "client")
		port := s.port(100, "spool", 1)
		s.connect(200, port, n)
		for i := range n {
			s.call(200, port, []waitgraph.MessageState{waitgraph.Served, waitgraph.Queued}[min(i, 1)], time.Duration(n-i)*time.Second, 0)
		}
		p := picture.Build(s.census(), 50)
		if got := len(p.Boxes[1].Rows); got != rows || len(p.Edges) != rows {
			t.Errorf("%d threads: %d rows, %d edges, want %d", n, got, len(p.Edges), rows)
		}
		if n == 40 {
			if r := p.Boxes[1].Rows[0]; r.Text != "40 threads wait, up to 40.000 s" || r.Dim != "39 queued, 1 served" {
				t.Errorf("40 threads are %+v", r)
			}
		}
	}
}

// What a target wrote cannot break out of the text, in either language.
func TestHostileText(t *testing.T) {
	const evil = "\x1b]0;x\x07</text><script>alert(1)</script>\"\\\u202e\xff]]>&\n"
	s := newScene()
	s.process(100, evil)
	s.process(200, strings.Repeat("漢", 300))
	s.process(300, "gone")
	port := s.port(100, evil, 1)
	s.connect(200, port, 1)
	s.call(200, port, waitgraph.Served, time.Second, 0)
	s.c.Processes[2].Unreadable = evil
	for _, limit := range []int{50, 1} {
		p := picture.Build(s.census(), limit)
		var svg, dot strings.Builder
		if err := errors.Join(p.WriteSVG(&svg), p.WriteDOT(&dot)); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"SVG": svg.String(), "DOT": dot.String()} {
			if strings.Contains(text, "<script") {
				t.Errorf("%s: a name became an element:\n%s", name, text)
			}
			for _, r := range text {
				if !unicode.IsPrint(r) && r != '\n' && r != '\t' {
					t.Errorf("%s holds %U", name, r)
				}
			}
		}
		if text, err := picturetest.Structure(svg.String()); err != nil || limit > 1 && !strings.Contains(text, `\u{1b}]0;x\u{7}</text><script>`) {
			t.Errorf("%v:\n%s", err, text)
		}
	}
}

// Graphviz takes what WriteDOT prints, hostile names too.
func TestGraphviz(t *testing.T) {
	dot := needs.Tool(t, "dot", "graphviz")
	all := samples()
	s := newScene()
	s.process(100, "</b></td>>]; x -> y \"\\\x00&#27;<script>")
	s.port(100, "<i>\\N\"]", 1)
	all["hostile"] = s.census()
	for name, c := range all {
		var b, svg bytes.Buffer
		if err := picture.Build(c, picture.Limit).WriteDOT(&b); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(dot, "-Tsvg")
		cmd.Stdin, cmd.Stdout = &b, &svg
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Run(); err != nil || said.Len() > 0 || bytes.Contains(svg.Bytes(), []byte("<script")) || bytes.ContainsRune(svg.Bytes(), 0x1b) {
			t.Errorf("%s: dot says %v: %.2000s", name, err, said.Bytes())
		}
	}
}

// Text has room in its box: every text of a box ends before the box's edge.
func TestTextFits(t *testing.T) {
	frame := regexp.MustCompile(`<rect class="frame" x="([0-9.]+)" y="[0-9.]+" width="([0-9.]+)"`)
	texts := regexp.MustCompile(`<text(?: class="\w+")? x="([0-9.]+)" y="[0-9.]+"( text-anchor="end")?>([^<]*)</text>`)
	num := func(s string) float64 { v, _ := strconv.ParseFloat(s, 64); return v }
	for name, c := range samples() {
		_, svg := draw(t, name, c)
		n := 0
		for _, box := range strings.Split(svg, `<g class="box`)[1:] {
			f := frame.FindStringSubmatch(box)
			left, right := num(f[1]), num(f[1])+num(f[2])
			box, _, _ = strings.Cut(box, "</g>\n</g>")
			for line := range strings.Lines(box) {
				end := left
				for _, m := range texts.FindAllStringSubmatch(line, -1) {
					width := float64(escape.Width(html.UnescapeString(m[3]))) * 7.3
					from, to := num(m[1]), num(m[1])+width
					if m[2] != "" {
						from, to = num(m[1])-width, num(m[1])
					}
					if n++; from < end || to > right {
						t.Fatalf("%s: %q from %.0f to %.0f does not fit between %.0f and %.0f", name, m[3], from, to, end, right)
					}
					end = to
				}
			}
		}
		if n < 3 {
			t.Errorf("%s: %d texts were found", name, n)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	c := samples()["mesh5000"]
	for range b.N {
		draw(b, "mesh5000", c)
	}
}

// The picture in the documentation is one that is drawn today.
func TestDocsPicture(t *testing.T) {
	_, svg := draw(t, "ring3", samples()["ring3"])
	golden.File(t, filepath.Join("..", "..", "docs", "graph.svg"), svg)
}
