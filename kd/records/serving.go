package records

import (
	"cmp"
	"context"
	"slices"
)

// ntServing pairs NT's threads that have received a message with those that wait for
// its reply. A thread's record has the id alone, and the levels of callbacks share one
// (spec lpc.md e.2): the client's wait and its server's, which asks back, have the same.
// What tells them apart is the process across, and that no thread began to wait before
// what it serves was sent: each server has the earliest wait that fits and is left. A
// server that fits none has any: handles of ports are duplicated into other processes.
func (w *World) ntServing(ctx context.Context) map[*Thread]*Thread {
	waits := map[uint32][]*Thread{}
	var servers []*Thread
	peer := map[*Thread]uint32{}
	for _, t := range w.Threads {
		if t.nt && t.Waits() {
			waits[t.Reply] = append(waits[t.Reply], t)
			_, peer[t] = w.across(ctx, t)
		}
		if t.nt && t.Received != 0 {
			servers = append(servers, t)
		}
	}
	byStart := func(a, b *Thread) int { return cmp.Compare(a.Start, b.Start) }
	for _, list := range waits {
		slices.SortStableFunc(list, byStart)
	}
	asksBack := func(t *Thread) bool { return t.Waits() && t.Reply == t.Received }
	slices.SortStableFunc(servers, func(a, b *Thread) int {
		if x, y := asksBack(a), asksBack(b); x != y { // those that serve and wait first
			if x {
				return -1
			}
			return 1
		}
		return byStart(a, b)
	})
	serves := map[*Thread]*Thread{}
	for _, strict := range []bool{true, false} {
		for _, t := range servers {
			if serves[t] != nil {
				continue
			}
			list := waits[t.Received]
			i := slices.IndexFunc(list, func(c *Thread) bool {
				return c != t && (!asksBack(t) || c.Start <= t.Start) && (!strict || peer[c] == t.Process)
			})
			if i >= 0 {
				serves[t] = list[i]
				waits[t.Received] = slices.Delete(list, i, i+1)
			}
		}
	}
	return serves
}
