package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

// The janitor gives memory back that idle connections do not need: pages of slots
// and cells that nothing stands in, pages of free sections. It runs only while
// there was something to do: a process whose connections are all idle and clean
// has no timer.
type janitor struct {
	on atomic.Bool // a round is due

	mu    sync.Mutex
	conns map[*Conn]*use
}

// use is what the janitor knows of a connection.
type use struct{ quiet int }

var cleaner = janitor{conns: map[*Conn]*use{}}

const (
	round = 200 * time.Millisecond
	quiet = 2 // rounds without use before a connection is cleaned
)

// touch notes that a connection was used. It is two loads on the hot path.
func touch(c *Conn) {
	if !c.sections.used.Load() {
		c.sections.used.Store(true)
		cleaner.note(c)
	}
}

func (j *janitor) note(c *Conn) {
	j.mu.Lock()
	if j.conns[c] == nil && !c.over.Load() {
		j.conns[c] = &use{}
	}
	j.mu.Unlock()
	if j.on.CompareAndSwap(false, true) {
		time.AfterFunc(round, j.round)
	}
}

func (j *janitor) round() {
	j.mu.Lock()
	var due []*Conn
	for c, u := range j.conns {
		if c.busyNow() {
			u.quiet = 0
			continue
		}
		if u.quiet++; u.quiet >= quiet {
			due = append(due, c)
			delete(j.conns, c)
		}
	}
	left := len(j.conns)
	j.mu.Unlock()
	for _, c := range due {
		c.sections.used.Store(false)
		c.clean()
	}
	if left > 0 {
		time.AfterFunc(round, j.round)
		return
	}
	j.on.Store(false)
	j.mu.Lock()
	again := len(j.conns) > 0
	j.mu.Unlock()
	if again && j.on.CompareAndSwap(false, true) {
		time.AfterFunc(round, j.round)
	}
}

func forget(c *Conn) {
	cleaner.mu.Lock()
	delete(cleaner.conns, c)
	cleaner.mu.Unlock()
}

// busyNow: the connection was used since the last round.
func (c *Conn) busyNow() bool {
	n := uint64(c.out.Posted())<<32 | uint64(c.recv.Taken())
	was := c.sections.seen.Swap(n)
	return was != n
}

// clean gives an idle connection's spare memory back.
func (c *Conn) clean() {
	if c.over.Load() {
		return
	}
	c.out.Trim()
	c.sections.trim()
}
