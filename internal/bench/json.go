package bench

import (
	"encoding/json"
	"io"
	"strconv"

	"github.com/seed-eedd8485/lpc/internal/bench/load"
)

// record is one line of the JSON output. Numbers that a work item lacks are
// left out; times are microseconds, kb_* kilobytes a connection, resident;
// rounds are all behind the line, of all pairs. The floor is a system too.
type record struct {
	Work       string `json:"work"`
	Bytes      number `json:"bytes,omitzero"`
	ReplyBytes number `json:"reply_bytes,omitzero"`
	Callers    number `json:"callers,omitzero"`
	Placement  string `json:"placement"`
	Hogs       int    `json:"hogs"`
	Form       string `json:"form,omitempty"`
	System     string `json:"system"`
	Rounds     number `json:"rounds,omitzero"`
	MeanUS     number `json:"mean_us,omitzero"`
	P50US      number `json:"p50_us,omitzero"`
	P99US      number `json:"p99_us,omitzero"`
	P999US     number `json:"p999_us,omitzero"`
	PerS       number `json:"per_s,omitzero"`
	CPU        number `json:"cpu_s_per_100k,omitzero"`
	Allocs     number `json:"allocs,omitzero"`
	KBServer   number `json:"kb_server,omitzero"`
	KBClient   number `json:"kb_client,omitzero"`
}

// number is a figure that may be absent. Zero is present.
type number struct {
	v  float64
	ok bool
}

func some(v float64) number { return number{v, true} }

// positive is a number that is absent when it is 0.
func positive(n int) number { return number{float64(n), n > 0} }

// IsZero makes omitzero leave out what is absent.
func (n number) IsZero() bool { return !n.ok }

// MarshalJSON writes at most four decimals.
func (n number) MarshalJSON() ([]byte, error) {
	v, err := strconv.ParseFloat(strconv.FormatFloat(n.v, 'f', 4, 64), 64)
	if err != nil {
		return nil, err
	}
	return strconv.AppendFloat(nil, v, 'f', -1, 64), nil
}

// writeJSON prints one object a line.
func writeJSON(w io.Writer, lines []*line) error {
	enc := json.NewEncoder(w)
	for _, l := range lines {
		for _, r := range l.records() {
			if err := enc.Encode(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// records returns what the JSON says of a line: nothing if it was not
// measured, two records for idle memory, the second after a burst of as many
// callers as it says. Idle CPU time has no field.
func (l *line) records() []record {
	s := l.item.spec
	r := record{Work: s.Work, Placement: l.placement, Hogs: l.hogs, System: l.system}
	if l.idle != nil {
		if l.item.name != idleMemory {
			return nil
		}
		burst := r
		r.KBServer, r.KBClient = some(l.idle.server.residentKB), some(l.idle.client.residentKB)
		burst.Callers = positive(load.BurstCallers)
		burst.KBServer, burst.KBClient = some(l.idle.serverBurst.residentKB), some(l.idle.clientBurst.residentKB)
		return []record{r, burst}
	}
	if l.rounds() == 0 {
		return nil
	}
	r.Bytes, r.ReplyBytes, r.Callers = positive(s.Bytes), positive(s.Reply), positive(s.Callers)
	r.Form, r.Rounds = s.Form, positive(l.rounds())
	if s.Work != load.Send {
		r.MeanUS, r.P50US = some(l.figure(meanUS)), some(l.figure(p50US))
	}
	if s.Work == load.Connect || s.Form == load.Copy {
		r.P99US = some(l.figure(p99US))
	}
	if s.Form == load.Copy {
		r.P999US = some(l.figure(p999US))
	}
	if s.Form == load.Copy || s.Work == load.Send {
		r.PerS = some(l.figure(perS))
	}
	if s.Form != load.View { // whose processes also run the two loops
		r.CPU = some(l.figure(cpuPer100k))
	}
	r.Allocs = some(l.figure(allocs))
	return []record{r}
}
