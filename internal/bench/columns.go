package bench

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/bench/load"
)

// The kinds of tables beside the kinds of work.
const (
	kindCopy    = "copy"
	kindView    = "view"
	kindCallers = "callers"
)

// column is one column of a table. peer finds the same item's line of another
// system, nil if it was not measured.
type column struct {
	title string
	text  func(l *line, peer func(system string) *line) string
}

// columnsOf lists each table's columns after the item and the system.
var columnsOf = map[string][]column{
	kindCopy: {
		micros("mean", meanUS), micros("p50", p50US), micros("p99", p99US), micros("p99.9", p999US),
		worstTime("worst pair", meanUS), rate("calls/s", perS), cpu, mallocs("allocs", allocs),
		mallocs("with deadline", allocsDeadline),
		faster("mean x unix", meanUS), faster("p50 x unix", p50US),
		{"p50 / floor", func(l *line, peer func(string) *line) string {
			return quotient(l, peer("floor"), p50US)
		}},
	},
	kindView: {
		micros("mean", meanUS), micros("p50", p50US), worstTime("worst pair", p50US),
		micros("call: mean", callUS), micros("p50", callP50), micros("less the loops", loopsUS),
		micros("(in one process)", hereUS), {"on one CPU", func(l *line, _ func(string) *line) string {
			return fmt.Sprintf("%.0f%%", 100*l.figure(together))
		}},
		mallocs("allocs", allocs), faster("mean x unix", meanUS), faster("p50 x unix", p50US),
		micros("call alone: mean", bareUS), micros("p50", bareP50), faster("mean x unix", bareUS), faster("p50 x unix", bareP50),
	},
	kindCallers: {
		rate("calls/s", perS), worstRate("worst pair", perS),
		micros("mean", meanUS), micros("p50", p50US), micros("p99", p99US), micros("p99.9", p999US),
		{"slowest/fastest", func(l *line, _ func(string) *line) string {
			if l.item.spec.Callers < 2 {
				return "-"
			}
			return fmt.Sprintf("%.2f", l.figure(fairness))
		}},
		cpu, mallocs("allocs", allocs), moreOften("calls/s x unix", perS),
	},
	load.Wait: {
		micros("mean", meanUS), micros("p50", p50US), micros("p99", p99US), worstTime("worst pair", meanUS), cpu,
	},
	load.Send: {
		rate("datagrams/s", perS), worstRate("worst pair", perS), cpu, mallocs("allocs", allocs),
		moreOften("x unix", perS),
	},
	load.Connect: {
		micros("mean", meanUS), micros("p50", p50US), micros("p99", p99US), worstTime("worst pair", meanUS),
		cpu, mallocs("allocs", allocs), faster("mean x unix", meanUS),
	},
	idleMemory: {
		{"server RSS", kb(func(f *idleFigures) float64 { return f.server.residentKB })},
		{"PSS", kb(func(f *idleFigures) float64 { return f.server.proportionalKB })},
		{"memfds", kb(func(f *idleFigures) float64 { return f.server.sharedKB })},
		{"fds", kb(func(f *idleFigures) float64 { return f.server.descriptors })},
		{"client RSS", kb(func(f *idleFigures) float64 { return f.client.residentKB })},
		{"PSS", kb(func(f *idleFigures) float64 { return f.client.proportionalKB })},
		{"memfds", kb(func(f *idleFigures) float64 { return f.client.sharedKB })},
		{"fds", kb(func(f *idleFigures) float64 { return f.client.descriptors })},
		{"burst: server RSS", kb(func(f *idleFigures) float64 { return f.serverBurst.residentKB })},
		{"PSS", kb(func(f *idleFigures) float64 { return f.serverBurst.proportionalKB })},
		{"client RSS", kb(func(f *idleFigures) float64 { return f.clientBurst.residentKB })},
		{"PSS", kb(func(f *idleFigures) float64 { return f.clientBurst.proportionalKB })},
	},
	idleCPU: {
		{"CPU in the window, ms", kb(func(f *idleFigures) float64 { return f.cpuMS })},
		{"since its start, ms", kb(func(f *idleFigures) float64 { return f.sinceMS })},
	},
}

// heading says under which conditions an idle item was measured.
func (f *idleFigures) heading(item string) string {
	if item == idleCPU {
		return fmt.Sprintf("== idle server with %d connections for %v ==", f.cpuConns, f.window)
	}
	return fmt.Sprintf("== %d idle connections, KiB and descriptors of each; burst: after %d callers on each of %d ==",
		f.conns, load.BurstCallers, f.sample)
}

// cpu is both processes' time.
var cpu = column{"CPU s/100k", func(l *line, _ func(string) *line) string {
	return fmt.Sprintf("%.3f", l.figure(cpuPer100k))
}}

func micros(title string, of func(measured) float64) column {
	return column{title, func(l *line, _ func(string) *line) string { return short(l.figure(of)) }}
}

func rate(title string, of func(measured) float64) column {
	return column{title, func(l *line, _ func(string) *line) string { return whole(l.figure(of)) }}
}

// mallocs prints a count per call; what was not counted is negative.
func mallocs(title string, of func(measured) float64) column {
	return column{title, func(l *line, _ func(string) *line) string {
		v := l.figure(of)
		if v < 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f", v)
	}}
}

// worstTime and worstRate print the worst of many pairs, nothing for one.
func worstTime(title string, of func(measured) float64) column {
	return column{title, func(l *line, _ func(string) *line) string {
		if len(l.pairs) < 2 {
			return "-"
		}
		return short(l.worst(of, false))
	}}
}

func worstRate(title string, of func(measured) float64) column {
	return column{title, func(l *line, _ func(string) *line) string {
		if len(l.pairs) < 2 {
			return "-"
		}
		return whole(l.worst(of, true))
	}}
}

// faster prints how many times less the line takes than unix, moreOften how
// many times more it does.
func faster(title string, of func(measured) float64) column {
	return column{title, func(l *line, peer func(string) *line) string { return quotient(peer("unix"), l, of) }}
}

func moreOften(title string, of func(measured) float64) column {
	return column{title, func(l *line, peer func(string) *line) string { return quotient(l, peer("unix"), of) }}
}

// quotient prints a's figure divided by b's; "-" for a line by itself, and
// where one is missing.
func quotient(a, b *line, of func(measured) float64) string {
	if a == nil || b == nil || a == b || a.rounds() == 0 || b.rounds() == 0 {
		return "-"
	}
	return ratio(a.figure(of), b.figure(of))
}

func kb(of func(*idleFigures) float64) func(*line, func(string) *line) string {
	return func(l *line, _ func(string) *line) string { return fmt.Sprintf("%.2f", of(l.idle)) }
}

// tableOnly says in sentences what the JSON has no field for.
func tableOnly(lines []*line) []string {
	var all []string
	for _, l := range lines {
		if l.item.name == idleCPU && l.idle != nil {
			all = append(all, fmt.Sprintf("idle server of %s with %d connections: %.2f ms of CPU in %v",
				l.system, l.idle.cpuConns, l.idle.cpuMS, l.idle.window))
		}
	}
	return all
}
