package picture

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

// How many lines of a kind a box shows one by one.
const (
	alike    = 3  // waits for the same port
	rowLimit = 12 // of anything, once lines are joined
)

// portRows gives each box its ports: the most loaded first where there are too many.
func (b *builder) portRows(p *Picture, s stage) {
	lists := make([][]*census.Port, len(p.Boxes))
	for i := range b.c.Ports {
		q := &b.c.Ports[i]
		if q.Callback && q.Queue+q.Busy+q.Deferred == 0 && !b.wanted[q.Addr] {
			continue
		}
		if box, ok := b.boxOf[q.Process]; ok {
			lists[box] = append(lists[box], q)
		}
	}
	for i, list := range lists {
		keep := len(list)
		if s > eachOne && (len(p.Boxes[i].Processes) > 1 && len(list) > alike || len(list) > rowLimit) {
			slices.SortStableFunc(list, func(x, y *census.Port) int {
				return cmp.Or(cmp.Compare(b.cyclic[y.Addr], b.cyclic[x.Addr]), cmp.Compare(load(y), load(x)))
			})
			keep = 0
			for keep < len(list) && (b.cyclic[list[keep].Addr] != Plain || len(p.Boxes[i].Processes) == 1 && keep < rowLimit && load(list[keep]) > 0) {
				keep++
			}
		}
		box := &p.Boxes[i]
		for _, q := range list[:keep] {
			b.put(q, place{i, len(box.Rows)})
			box.Rows = append(box.Rows, b.portRow(q))
		}
		if rest := list[keep:]; len(rest) > 0 {
			for _, q := range rest {
				b.put(q, place{i, len(box.Rows)})
			}
			box.Rows = append(box.Rows, joinedPorts(rest, keep > 0))
		}
	}
}

func (b *builder) put(q *census.Port, at place) {
	if q.Addr != 0 {
		b.portAt[q.Addr] = at
	}
	if !q.Callback {
		b.nameAt[name{q.Process, q.Name}] = at
	}
}

func load(q *census.Port) int { return q.Queue + q.Busy + q.Deferred + q.Connecting }

func (b *builder) portRow(q *census.Port) Row {
	r := Row{Kind: PortRow, Text: portName(q), Mark: b.cyclic[q.Addr]}
	r.Dim = Load(q)
	if r.Mark == Plain && q.Oldest >= OldAge {
		r.Mark = Old
	}
	return r
}

func portName(q *census.Port) string {
	switch {
	case q.Callback && q.Name != "":
		return "callbacks of " + escape.Text(q.Name)
	case q.Callback:
		return "callbacks"
	case q.Name == "":
		return fmt.Sprintf("port %#x", q.Addr)
	}
	return escape.Text(q.Name)
}

// Load says what a port has to do: "1 of 1 busy, 3 queued, oldest 12.345 s".
func Load(q *census.Port) string {
	if q.Unreadable != "" {
		return escape.Text(q.Unreadable)
	}
	var list []string
	switch {
	case q.Busy > 0 && q.Limit > 0:
		list = append(list, fmt.Sprintf("%d of %d busy", q.Busy, q.Limit))
	case q.Busy > 0:
		list = append(list, fmt.Sprintf("%d busy", q.Busy))
	}
	list = append(list, counts(q.Queue, "queued", q.Deferred, "deferred", q.Connecting, "connecting")...)
	if q.Oldest >= 0 {
		list = append(list, "oldest "+waitgraph.Age(q.Oldest))
	}
	if q.Closed {
		list = append(list, "closed")
	}
	if len(list) == 0 {
		return "idle"
	}
	return strings.Join(list, ", ")
}

// counts words those numbers that are not 0.
func counts(pairs ...any) (list []string) {
	for i := 0; i < len(pairs); i += 2 {
		if n := pairs[i].(int); n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, pairs[i+1]))
		}
	}
	return list
}

// joinedPorts is one line for several ports.
func joinedPorts(list []*census.Port, more bool) Row {
	sum := census.Port{Oldest: -1}
	for _, q := range list {
		sum.Busy, sum.Queue, sum.Deferred, sum.Connecting = sum.Busy+q.Busy, sum.Queue+q.Queue, sum.Deferred+q.Deferred, sum.Connecting+q.Connecting
		sum.Oldest = max(sum.Oldest, q.Oldest)
	}
	r := Row{Kind: PortRow, Text: waitgraph.Count(len(list), "port", "ports"), Dim: Load(&sum)}
	if more {
		r.Text = waitgraph.Count(len(list), "more port", "more ports")
	}
	if sum.Oldest >= OldAge {
		r.Mark = Old
	}
	return r
}

// A bundle is threads of a box that wait for the same place.
type bundle struct {
	to    place
	known bool // to is
	list  []*waiting
}

func (b *bundle) cyclic() bool { return b.list[0].mark >= Possible }

// bundles are the waits of each box, those in cycles first, then the oldest.
func (b *builder) bundles(boxes int, s stage) [][]bundle {
	type key struct {
		box   int
		to    place
		known bool
		one   int // of a wait that stands alone
	}
	groups := map[key][]*waiting{}
	for i := range b.waits {
		w := &b.waits[i]
		box, ok := b.boxOf[w.w.Process]
		if !ok {
			continue
		}
		to, known := b.target(w)
		k := key{box: box, to: to, known: known}
		if w.mark >= Possible {
			k.one = i + 1
		}
		groups[k] = append(groups[k], w)
	}
	all := make([][]bundle, boxes)
	for k, list := range groups {
		slices.SortStableFunc(list, func(x, y *waiting) int { return cmp.Compare(y.w.Age, x.w.Age) })
		if s == eachOne && len(list) <= alike {
			for _, w := range list {
				all[k.box] = append(all[k.box], bundle{k.to, k.known, []*waiting{w}})
			}
			continue
		}
		all[k.box] = append(all[k.box], bundle{k.to, k.known, list})
	}
	for _, l := range all {
		slices.SortFunc(l, func(x, y bundle) int {
			a, b := x.list[0], y.list[0]
			return cmp.Or(cmp.Compare(max(b.mark, Old), max(a.mark, Old)), cmp.Compare(b.w.Age, a.w.Age), cmp.Compare(a.w.Process, b.w.Process), cmp.Compare(a.w.Thread, b.w.Thread))
		})
	}
	return all
}

// waitRows gives each box its waiting threads, and their edges. It tells which boxes
// and places a wait joins.
func (b *builder) waitRows(p *Picture, s stage) map[joint]bool {
	taken := map[joint]bool{}
	for i, list := range b.bundles(len(p.Boxes), s) {
		box := &p.Boxes[i]
		plain, row := 0, -1
		var rest []*waiting
		for k, u := range list {
			if !u.cyclic() {
				plain++
			}
			if s > eachOne && plain >= rowLimit && len(list)-k > 1 || rest != nil { // one line for all that follow
				if rest == nil {
					row = len(box.Rows)
					box.Rows = append(box.Rows, Row{})
				}
				rest = append(rest, u.list...)
			} else {
				row = len(box.Rows)
				box.Rows = append(box.Rows, b.waitRow(u.list))
			}
			if !u.known {
				continue
			}
			mark, unsure := Plain, true
			for _, w := range u.list {
				mark, unsure = max(mark, w.mark), unsure && w.m == nil
			}
			taken[joint{i, u.to}] = true
			taken[joint{i, place{u.to.box, -1}}] = true // of a connection whose port is not known
			p.Edges = append(p.Edges, Edge{Kind: Wait, From: i, FromRow: row, To: u.to.box, ToRow: u.to.row, Mark: mark, Unsure: unsure})
		}
		if rest != nil {
			box.Rows[row] = b.waitRow(rest)
		}
	}
	return taken
}

// A joint is a box and a place that something joins.
type joint struct {
	from int
	to   place
}

// waitRow is one line for threads of a box that wait for the same.
func (b *builder) waitRow(list []*waiting) Row {
	first := list[0] // the oldest
	r := Row{Kind: Wait, Mark: first.mark}
	if len(list) == 1 {
		w := first.w
		r.Text = fmt.Sprintf("thread %d waits", w.ThreadID)
		if w.Age >= 0 {
			r.Text += " " + waitgraph.Age(w.Age)
		}
		r.Dim = stands(first)
		if w.Parent != 0 {
			if port := b.serving[w.Parent]; port != "" {
				r.Dim = "serving " + escape.Text(port) + ", " + r.Dim
			}
		}
		if w.Call != "" {
			r.Tip = fmt.Sprintf("in %s, for message %#x", escape.Text(w.Call), w.Message)
		}
		return r
	}
	r.Text = waitgraph.Count(len(list), "thread waits", "threads wait")
	if first.w.Age >= 0 {
		r.Text += ", up to " + waitgraph.Age(first.w.Age)
	}
	n := map[string]int{}
	var said []string
	for _, w := range list {
		t := strings.TrimPrefix(stands(w), "call ")
		if n[t]++; n[t] == 1 {
			said = append(said, t)
		}
	}
	slices.Sort(said)
	for i, t := range said {
		said[i] = fmt.Sprintf("%d %s", n[t], t)
	}
	r.Dim = strings.Join(said, ", ")
	return r
}

// stands says where the message of a wait is.
func stands(w *waiting) string {
	if w.m == nil {
		return "call not seen there"
	}
	return "call " + census.StateName(w.m)
}

// connectionRows gives each box its connections on which nobody waits.
func (b *builder) connectionRows(p *Picture, s stage, taken map[joint]bool) {
	n := map[joint]int{}
	lists := make([][]joint, len(p.Boxes))
	for _, k := range b.c.Connections {
		from, ok := b.boxOf[k.Client]
		to, ok2 := b.at(k.Server, k.Port, k.Name)
		j := joint{from, to}
		if !ok || !ok2 || taken[j] {
			continue
		}
		if n[j] == 0 {
			lists[from] = append(lists[from], j)
		}
		n[j] += k.Count
	}
	for i, list := range lists {
		box := &p.Boxes[i]
		sum := 0
		for k, j := range list {
			if s == eachOne || k < rowLimit {
				sum = 0
				box.Rows = append(box.Rows, Row{Kind: Connection})
			}
			sum += n[j] // the last line counts all that follow
			row := len(box.Rows) - 1
			box.Rows[row].Dim = waitgraph.Count(sum, "connection", "connections")
			p.Edges = append(p.Edges, Edge{Kind: Connection, From: i, FromRow: row, To: j.to.box, ToRow: j.to.row})
		}
	}
}

// words fills in what stands above the picture.
func (b *builder) words(p *Picture, s stage) {
	c := b.c
	ports, connections := 0, 0
	for i := range c.Ports {
		if !c.Ports[i].Callback {
			ports++
		}
	}
	for _, k := range c.Connections {
		connections += k.Count
	}
	p.Summary = strings.Join([]string{
		waitgraph.Count(len(c.Processes), "process", "processes"), waitgraph.Count(ports, "port", "ports"),
		waitgraph.Count(connections, "connection", "connections"), waitgraph.Count(len(b.waits), "thread waits", "threads wait"),
	}, ", ")
	if !c.Now.IsZero() {
		p.Summary += " at " + c.Now.UTC().Format(time.DateTime) + " UTC"
	}
	for i := range c.Cycles {
		if i == maxVerdicts {
			p.Verdicts = append(p.Verdicts, fmt.Sprintf("%d more cycles", len(c.Cycles)-i))
			break
		}
		p.Verdicts = append(p.Verdicts, c.Graph.Text(&c.Cycles[i])[0])
		p.Proved = p.Proved || c.Cycles[i].Proved
	}
	if c.More {
		p.Verdicts = append(p.Verdicts, "More threads wait in the same knots.")
	}
	if s != eachOne && len(p.Boxes) < len(c.Processes) {
		p.Notes = append(p.Notes, fmt.Sprintf("%s shown in %s: alike ones are one box", waitgraph.Count(len(c.Processes), "process is", "processes are"), waitgraph.Count(len(p.Boxes), "box", "boxes")))
	} else if s != eachOne {
		p.Notes = append(p.Notes, "Ports, waits and connections that are alike are one line")
	}
}

// maxVerdicts bounds the lines above the picture.
const maxVerdicts = 5
