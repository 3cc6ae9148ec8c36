package picture

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// A stage is how much is joined. Each is tried only if the one before has more nodes
// than the limit.
type stage int

const (
	eachOne   stage = iota
	joinAlike       // lines of one process that say the same; processes of one program that use the same ports and have none
	joinImage       // and all processes of one program
	theRest         // and those with the least load of all
)

// nodes counts what a reader has to follow: processes, ports and waits while each is
// shown, then boxes.
func (b *builder) nodes(p *Picture, s stage) int {
	n := len(p.Boxes)
	if s == eachOne {
		for i := range p.Boxes {
			for _, r := range p.Boxes[i].Rows {
				if r.Kind != Connection {
					n++
				}
			}
		}
	}
	return n
}

// group gives each process its box. A process in a cycle has one of its own.
func (b *builder) group(s stage, limit int) (boxes []Box) {
	b.boxOf = map[uint32]int{}
	byKey := map[string]int{}
	add := func(key string, id uint32) {
		i, ok := byKey[key]
		if !ok {
			i = len(boxes)
			byKey[key] = i
			boxes = append(boxes, Box{})
		}
		boxes[i].Processes = append(boxes[i].Processes, id)
		b.boxOf[id] = i
	}
	for i := range b.c.Processes {
		p := &b.c.Processes[i]
		key := fmt.Sprint(p.ID)
		switch {
		case s < joinAlike || b.inCycle[p.ID] != Plain:
		case s == joinAlike && !b.hasPort[p.ID]:
			key = "alike " + p.Image + "\x00" + b.uses(p.ID)
		case s >= joinImage:
			key = "image " + p.Image
		}
		add(key, p.ID)
	}
	if s == theRest && len(boxes) > limit {
		boxes = b.cutRest(boxes, limit)
	}
	for i := range boxes {
		b.head(&boxes[i])
	}
	return boxes
}

// uses names all ports that a process is connected to.
func (b *builder) uses(id uint32) string {
	var list []string
	for _, k := range b.c.Connections {
		if k.Client == id {
			list = append(list, fmt.Sprint(k.Server, k.Port, k.Name))
		}
	}
	slices.Sort(list)
	return strings.Join(list, "\x00")
}

// cutRest puts the boxes with the least load into one.
func (b *builder) cutRest(boxes []Box, limit int) []Box {
	load := map[uint32]int{}
	for i := range b.c.Ports {
		p := &b.c.Ports[i]
		load[p.Process] += p.Queue + p.Busy + p.Connections + p.Deferred
	}
	for i := range b.waits {
		load[b.waits[i].w.Process]++
	}
	type ranked struct {
		box, load int
		cycle     bool
	}
	list := make([]ranked, len(boxes))
	for i := range boxes {
		list[i].box = i
		for _, id := range boxes[i].Processes {
			list[i].load += load[id]
			list[i].cycle = list[i].cycle || b.inCycle[id] != Plain
		}
	}
	slices.SortStableFunc(list, func(a, b ranked) int {
		if a.cycle != b.cycle {
			if a.cycle {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.load, a.load)
	})
	keep := limit - 1
	for keep < len(list) && list[keep].cycle {
		keep++
	}
	var kept []Box
	var rest Box
	keeps := map[int]bool{}
	for _, r := range list[:min(keep, len(list))] {
		keeps[r.box] = true
	}
	for i := range boxes {
		if keeps[i] {
			kept = append(kept, boxes[i])
		} else {
			rest.Processes = append(rest.Processes, boxes[i].Processes...)
		}
	}
	if len(rest.Processes) > 0 {
		if n := len(rest.Processes); n > 1 {
			rest.Head = fmt.Sprintf("%d more processes", n)
		}
		kept = append(kept, rest)
	}
	for i := range kept {
		for _, id := range kept[i].Processes {
			b.boxOf[id] = i
		}
	}
	return kept
}

// head names a box.
func (b *builder) head(box *Box) {
	p, _ := b.c.Process(box.Processes[0])
	box.Mark = b.inCycle[p.ID]
	image := "process"
	if p.Image != "" {
		image = escape.Text(p.Image)
	}
	switch n := len(box.Processes); {
	case box.Head != "":
	case n == 1:
		box.Head = fmt.Sprintf("%s %d", image, p.ID)
	case p.Image == "":
		box.Head = fmt.Sprintf("%d processes", n)
	default:
		box.Head = fmt.Sprintf("%d × %s", n, image)
	}
	unread, why := 0, ""
	for _, id := range box.Processes {
		if p, _ := b.c.Process(id); p.Unreadable != "" {
			unread, why = unread+1, p.Unreadable
		}
	}
	switch {
	case unread == 1 && len(box.Processes) == 1:
		box.Note = escape.Text(why)
	case unread > 0:
		box.Note = fmt.Sprintf("%d of them: %s", unread, escape.Text(why))
	}
}
