package top

import (
	"time"

	"github.com/seed-eedd8485/lpc/kd/census"
)

// A Row is a port with what happened to it between two looks.
type Row struct {
	census.Port
	Image string
	// CallsPerSecond and SendsPerSecond (datagrams) are negative where they are not
	// known: at the first look at the port, or where it counts nothing.
	CallsPerSecond float64
	SendsPerSecond float64
}

// A Meter remembers the counts of the look before.
type Meter struct {
	at   time.Time
	last map[uint64]counts
}

// counts are those of a port; created tells it from the next one in its place.
type counts struct{ created, calls, sends uint64 }

// Rows are the connection ports of a look taken at that time, by the clock of who
// looks: a target's own may be set back.
func (m *Meter) Rows(c *census.Census, at time.Time) []Row {
	seconds := at.Sub(m.at).Seconds()
	known := m.last
	m.at, m.last = at, make(map[uint64]counts, len(c.Ports))
	rows := make([]Row, 0, len(c.Ports))
	for _, p := range c.Ports {
		if p.Callback || p.Closed && p.Queue+p.Busy+p.Deferred == 0 {
			continue
		}
		r := Row{Port: p, CallsPerSecond: -1, SendsPerSecond: -1}
		if q, ok := c.Process(p.Process); ok {
			r.Image = q.Image
		}
		if p.Counted {
			now := counts{p.Created, p.Calls, p.Datagrams}
			m.last[p.Addr] = now
			if was, ok := known[p.Addr]; ok && was.created == now.created && was.calls <= now.calls && was.sends <= now.sends && seconds > 0 {
				r.CallsPerSecond = float64(now.calls-was.calls) / seconds
				r.SendsPerSecond = float64(now.sends-was.sends) / seconds
			}
		}
		rows = append(rows, r)
	}
	return rows
}
