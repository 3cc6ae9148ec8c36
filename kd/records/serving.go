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
	var waits, servers []*Thread
	peer := map[*Thread]uint32{}
	for _, t := range w.Threads {
		if t.nt && t.Waits() {
			waits = append(waits, t)
			_, peer[t] = w.across(ctx, t)
		}
		if t.nt && t.Received != 0 {
			servers = append(servers, t)
		}
	}
	return pair(waits, servers, peer)
}

// pair gives each server its wait. The work is that of sorting, whatever ids the records
// have.
func pair(waits, servers []*Thread, peer map[*Thread]uint32) map[*Thread]*Thread {
	type across struct {
		id      uint32
		process uint32
	}
	byStart := func(a, b *Thread) int { return cmp.Compare(a.Start, b.Start) }
	slices.SortStableFunc(waits, byStart)
	all, strict := map[uint32][]*Thread{}, map[across][]*Thread{}
	for _, t := range waits {
		k := across{t.Reply, peer[t]}
		all[t.Reply], strict[k] = append(all[t.Reply], t), append(strict[k], t)
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
	serves, served := map[*Thread]*Thread{}, map[*Thread]bool{}
	// earliest takes the first wait of a list that fits a server. What was taken before is
	// let go of, so that each is looked at once.
	earliest := func(t *Thread, list []*Thread) (rest []*Thread) {
		for len(list) > 0 && served[list[0]] {
			list = list[1:]
		}
		for _, c := range list {
			if asksBack(t) && c.Start > t.Start {
				break
			}
			if c != t && !served[c] {
				serves[t], served[c] = c, true
				break
			}
		}
		return list
	}
	for _, t := range servers {
		k := across{t.Received, t.Process}
		strict[k] = earliest(t, strict[k])
	}
	for _, t := range servers {
		if serves[t] == nil {
			all[t.Received] = earliest(t, all[t.Received])
		}
	}
	return serves
}
