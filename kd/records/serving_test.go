package records

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// plain is pair by its rule: each server, those that ask back first and then by their
// start, has the earliest wait that fits and is left.
func plain(waits, servers []*Thread, peer map[*Thread]uint32) map[*Thread]*Thread {
	serves := map[*Thread]*Thread{}
	taken := map[*Thread]bool{}
	for _, strict := range []bool{true, false} {
		for _, t := range servers {
			asksBack := t.Waits() && t.Reply == t.Received
			for _, c := range waits {
				if serves[t] == nil && !taken[c] && c != t && c.Reply == t.Received && (!asksBack || c.Start <= t.Start) && (!strict || peer[c] == t.Process) {
					serves[t], taken[c] = c, true
				}
			}
		}
	}
	return serves
}

func TestPair(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		var waits, servers []*Thread
		peer := map[*Thread]uint32{}
		for range 12 {
			th := &Thread{Process: uint32(r.IntN(3)), Reply: uint32(r.IntN(3)), Received: uint32(r.IntN(3)), Start: uint64(r.IntN(6)), nt: true}
			if th.Waits() {
				waits = append(waits, th)
				peer[th] = uint32(r.IntN(3))
			}
			if th.Received != 0 {
				servers = append(servers, th)
			}
		}
		got := pair(slices.Clone(waits), slices.Clone(servers), peer)
		slices.SortStableFunc(waits, func(a, b *Thread) int { return int(a.Start) - int(b.Start) })
		slices.SortStableFunc(servers, func(a, b *Thread) int {
			rank := func(t *Thread) int {
				if t.Waits() && t.Reply == t.Received {
					return int(t.Start)
				}
				return int(t.Start) + 100
			}
			return rank(a) - rank(b)
		})
		if want := plain(waits, servers, peer); !maps.Equal(got, want) {
			t.Fatalf("%d pairs, want %d: %v, want %v", len(got), len(want), got, want)
		}
	}
}

// Threads without number that all name one message are paired in no more time than it
// takes to sort them: by pairs, the watchdog would end this.
func TestPairOfMany(t *testing.T) {
	proctest.Watchdog(t, 2*time.Minute)
	const n = 200_000
	var waits, servers []*Thread
	peer := map[*Thread]uint32{}
	for i := range uint64(n) {
		c, s := &Thread{Reply: 1, Process: 1, Start: i, nt: true}, &Thread{Received: 1, Process: 2, Start: i, nt: true}
		waits, servers = append(waits, c), append(servers, s)
		peer[c] = 3 // none is across
	}
	if got := pair(waits, servers, peer); len(got) != n {
		t.Errorf("%d of %d are paired", len(got), n)
	}
}
