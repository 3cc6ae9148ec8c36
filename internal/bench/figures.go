package bench

import (
	"slices"

	"github.com/seed-eedd8485/lpc/internal/bench/load"
)

// measured is one round's figures with both processes' CPU time.
type measured struct {
	load.Result
	cpu float64 // seconds
}

// line is what the output says of one work item, placement and system.
type line struct {
	item      item
	placement string
	hogs      int
	system    string
	pairs     [][]measured // rounds of each pair of processes

	idle *idleFigures // of the idle items, which have no rounds
}

// figure is the median over the pairs of the medians over their rounds.
func (l *line) figure(of func(measured) float64) float64 { return median(l.perPair(of)) }

// perPair returns each pair's median over its rounds.
func (l *line) perPair(of func(measured) float64) []float64 {
	all := make([]float64, 0, len(l.pairs))
	for _, rounds := range l.pairs {
		if len(rounds) == 0 {
			continue // the run ended before
		}
		one := make([]float64, 0, len(rounds))
		for _, m := range rounds {
			one = append(one, of(m))
		}
		all = append(all, median(one))
	}
	return all
}

// worst returns the worst pair's figure: the largest of times, the smallest of
// rates.
func (l *line) worst(of func(measured) float64, rate bool) float64 {
	all := l.perPair(of)
	if len(all) == 0 {
		return 0
	}
	if rate {
		return slices.Min(all)
	}
	return slices.Max(all)
}

// rounds counts the rounds behind the line.
func (l *line) rounds() (n int) {
	for _, rounds := range l.pairs {
		n += len(rounds)
	}
	return n
}

// The figures, by name.
func meanUS(m measured) float64   { return m.MeanUS }
func p50US(m measured) float64    { return m.P50US }
func p99US(m measured) float64    { return m.P99US }
func p999US(m measured) float64   { return m.P999US }
func perS(m measured) float64     { return m.PerS }
func callUS(m measured) float64   { return m.CallUS }
func loopsUS(m measured) float64  { return m.LoopsUS }
func callP50(m measured) float64  { return m.CallP50US }
func hereUS(m measured) float64   { return m.HereUS }
func bareUS(m measured) float64   { return m.BareUS }
func bareP50(m measured) float64  { return m.BareP50US }
func together(m measured) float64 { return m.Together }
func allocs(m measured) float64   { return m.Allocs }

func allocsDeadline(m measured) float64 { return m.AllocsDeadline }

// cpuPer100k is the CPU time of both processes for 100,000 calls, in seconds.
func cpuPer100k(m measured) float64 {
	if m.Calls == 0 {
		return 0
	}
	return m.cpu / float64(m.Calls) * 1e5
}

// fairness is the slowest caller's calls as a part of the fastest one's.
func fairness(m measured) float64 {
	if m.Fastest == 0 {
		return 0
	}
	return float64(m.Slowest) / float64(m.Fastest)
}

// median returns the median of values, which it sorts; 0 if there are none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	mid := len(values) / 2
	if len(values)%2 == 1 {
		return values[mid]
	}
	return (values[mid-1] + values[mid]) / 2
}
