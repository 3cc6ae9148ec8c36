package bench

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/seed-eedd8485/lpc/internal/bench/load"
	"github.com/seed-eedd8485/lpc/internal/bench/transport"
)

// item is a line of work.
type item struct {
	name  string
	spec  load.Spec
	floor bool // the spin floor takes part
	asked bool // it is no part of a run that names no work
}

// items lists all work, in the order of the tables.
func items() []item {
	var all []item
	sizes := []struct {
		name         string
		bytes, reply int
	}{
		{"32", 32, 32}, {"304", 304, 304}, {"4k", 4 << 10, 4 << 10}, {"64k", 64 << 10, 64 << 10},
		{"1m", 1 << 20, 1 << 20}, {"1m-8", 1 << 20, transport.ShortBytes},
	}
	for _, form := range []string{load.Copy, load.View} {
		for _, s := range sizes {
			prefix := "call/"
			if form == load.View {
				prefix = "view/"
			}
			all = append(all, item{
				name: prefix + s.name,
				spec: load.Spec{Work: load.Call, Bytes: s.bytes, Reply: s.reply, Callers: 1, Form: form,
					Deadline: form == load.Copy},
				floor: form == load.Copy && s.bytes == 32,
			})
		}
	}
	for _, c := range []struct {
		name string
		n    int
	}{{"1", 1}, {"8", 8}, {"64", 64}} {
		all = append(all, item{name: "callers/" + c.name,
			spec: load.Spec{Work: load.Call, Bytes: 64, Reply: 64, Callers: c.n, Form: load.Copy}})
	}
	return append(all,
		item{name: waits, asked: true, spec: load.Spec{Work: load.Wait, Bytes: 32, Reply: 32, Callers: 1, Form: load.Copy}},
		item{name: "send/64", spec: load.Spec{Work: load.Send, Bytes: 64, Callers: 1}},
		item{name: "connect", spec: load.Spec{Work: load.Connect, Bytes: 32, Reply: 32}},
		item{name: idleMemory, spec: load.Spec{Work: load.Idle}},
		item{name: idleCPU, spec: load.Spec{Work: load.Idle}},
	)
}

// waits is the call whose caller waits.
const waits = "wait/32"

// The two items that have processes of their own.
const (
	idleMemory = "idle/memory"
	idleCPU    = "idle/cpu"
)

func itemNames() []string {
	var names []string
	for _, it := range items() {
		names = append(names, it.name)
	}
	return names
}

// chosen tells whether a --work entry means the item: its name, or the first
// part of it.
func chosen(name, entry string) bool {
	return name == entry || strings.HasPrefix(name, entry+"/")
}

// phase is work under one placement and one number of hogs.
type phase struct {
	placement string
	hogs      int
	pairs     int // of processes, one after the other
	rounds    int // in each pair
	items     []item
}

// plan is a whole run.
type plan struct {
	phases  []phase
	idle    bool // the memory of idle connections
	idleCPU bool
	sizes   idleSizes
}

// idleSizes are the numbers of the idle items.
type idleSizes struct {
	conns  int           // whose memory is looked at
	sample int           // of them that see a burst
	pause  time.Duration // before each look

	cpuConns int
	cpuTime  time.Duration
}

// newPlan decides what to run.
func newPlan(o Options) plan {
	var p plan
	var work []item
	for _, it := range items() {
		if len(o.Work) == 0 && it.asked || len(o.Work) > 0 && !slices.ContainsFunc(o.Work, func(w string) bool { return chosen(it.name, w) }) {
			continue
		}
		switch it.name {
		case idleMemory:
			p.idle = o.Hogs <= 0
		case idleCPU:
			p.idleCPU = o.Hogs <= 0
		default:
			it.spec.Measure, it.spec.WarmUp = times(o, it.spec)
			work = append(work, it)
		}
	}
	placements := o.Placements
	if placements == nil {
		placements = []string{free, same, diff}
	}
	for _, at := range placements {
		p.add(o, phase{placement: at, hogs: max(o.Hogs, 0), items: work})
	}
	if i := slices.IndexFunc(work, func(it item) bool { return it.name == "call/32" }); i >= 0 &&
		o.Hogs == HogsByPlan && slices.Contains(placements, free) {
		beside := work[i]
		beside.spec.Measure *= 4 // the hogs take turns of milliseconds
		p.add(o, phase{placement: free, hogs: 2, items: []item{beside}})
	}
	p.sizes = idleSizes{conns: 1000, sample: 200, pause: time.Second, cpuConns: 100, cpuTime: 5 * time.Second}
	if o.Quick {
		p.sizes = idleSizes{conns: 50, sample: 10, pause: 100 * time.Millisecond, cpuConns: 100, cpuTime: 500 * time.Millisecond}
	}
	return p
}

// add completes a phase by the options and the defaults.
func (p *plan) add(o Options, ph phase) {
	if len(ph.items) == 0 {
		return
	}
	ph.pairs, ph.rounds = 1, 5
	if ph.placement == free {
		ph.pairs, ph.rounds = 20, 3
	}
	if o.Quick {
		ph.pairs, ph.rounds = min(ph.pairs, 2), 1
	}
	if ph.placement == free {
		ph.pairs = cmp.Or(o.Pairs, ph.pairs)
	}
	ph.items = slices.Clone(ph.items)
	for i := range ph.items {
		ph.items[i].spec.OneCPU = ph.placement == same
	}
	ph.rounds = cmp.Or(o.Rounds, ph.rounds)
	p.phases = append(p.phases, ph)
}

// times returns the measured time and the warm-up of one round. Large messages
// take longer each, the headline is worth more of the run, and many callers are only as
// even as the time slices of some ms that the kernel gives are small against the round.
func times(o Options, s load.Spec) (measure, warmUp time.Duration) {
	measure = cmp.Or(o.measure, 45*time.Millisecond)
	if o.Quick {
		measure = cmp.Or(o.measure, 8*time.Millisecond)
	} else if s.Bytes >= 1<<20 || s.Bytes == 32 && s.Form == load.Copy {
		measure *= 2
	} else if s.Callers > 1 {
		measure *= 4
	}
	return measure, measure / 4
}
