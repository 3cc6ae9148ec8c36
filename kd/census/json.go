package census

import (
	"fmt"
	"io"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

// WriteJSON writes the census as one JSON object. Addresses are hexadecimal strings:
// they have 64 bits. What is not known is null. The error is w's.
func (c *Census) WriteJSON(w io.Writer) error {
	o := jsonCensus{Processes: []jsonProcess{}, Ports: []jsonPort{}, Connections: []jsonConnection{}, Waits: []jsonWait{}, Cycles: []jsonCycle{}, Unreadable: []string{}}
	if !c.Now.IsZero() {
		o.Time = &c.Now
	}
	for _, p := range c.Processes {
		o.Processes = append(o.Processes, jsonProcess{p.ID, p.Image, text(p.Unreadable)})
	}
	for i := range c.Ports {
		o.Ports = append(o.Ports, c.Ports[i].json())
	}
	for _, k := range c.Connections {
		o.Connections = append(o.Connections, jsonConnection{k.Client, k.Server, address(k.Port), k.Name, k.Count})
	}
	index := map[*waitgraph.Wait]int{}
	st := c.Graph.State()
	for i := range st.Waits {
		index[&st.Waits[i]] = i
		o.Waits = append(o.Waits, c.wait(i))
	}
	for i := range c.Cycles {
		j := jsonCycle{Proved: c.Cycles[i].Proved, Text: c.Graph.Text(&c.Cycles[i])}
		for k := range c.Cycles[i].Hops {
			j.Waits = append(j.Waits, index[c.Cycles[i].Hops[k].Wait])
		}
		o.Cycles = append(o.Cycles, j)
	}
	o.Unreadable = append(o.Unreadable, c.Trouble...)
	return escape.JSON(w, o)
}

type jsonCensus struct {
	Time        *time.Time       `json:"time"`
	Processes   []jsonProcess    `json:"processes"`
	Ports       []jsonPort       `json:"ports"`
	Connections []jsonConnection `json:"connections"`
	Waits       []jsonWait       `json:"waits"`
	Cycles      []jsonCycle      `json:"cycles"`
	Unreadable  []string         `json:"unreadable"`
}

type jsonProcess struct {
	ID     uint32  `json:"pid"`
	Image  string  `json:"program"`
	Reason *string `json:"reason"` // why it may not be read
}

// jsonPort is a port. All but its name and process are null where it may not be read.
type jsonPort struct {
	Name        string   `json:"name"`
	Process     *uint32  `json:"pid"`
	Address     *string  `json:"address"`
	Kind        string   `json:"kind"` // connection, callback
	Connections *int     `json:"connections"`
	Queue       *int     `json:"queue"`
	Oldest      *float64 `json:"oldestSeconds"`
	Busy        *int     `json:"busy"`
	Limit       *int     `json:"limit"`
	Deferred    *int     `json:"deferred"`
	Calls       *uint64  `json:"calls"`
	Datagrams   *uint64  `json:"datagrams"`
	Failures    *uint64  `json:"failures"`
	Closed      bool     `json:"closed"`
	Reason      *string  `json:"reason"`
}

type jsonConnection struct {
	Client uint32  `json:"client"`
	Server uint32  `json:"server"`
	Port   *string `json:"port"`
	Name   string  `json:"name"`
	Count  int     `json:"count"`
}

// jsonWait is a thread that waits.
type jsonWait struct {
	Process uint32   `json:"pid"`
	Thread  uint64   `json:"thread"`
	Call    string   `json:"call"`
	Message uint32   `json:"message"`
	Name    string   `json:"name"`
	Peer    *uint32  `json:"peer"`
	Waited  *float64 `json:"waitedSeconds"`
	State   *string  `json:"state"` // of the message; null: the other end does not show it
}

type jsonCycle struct {
	Proved bool     `json:"proved"`
	Waits  []int    `json:"waits"` // indexes
	Text   []string `json:"text"`
}

func (p *Port) json() jsonPort {
	j := jsonPort{Name: p.Name, Address: address(p.Addr), Kind: "connection", Closed: p.Closed, Reason: text(p.Unreadable)}
	if p.Callback {
		j.Kind = "callback"
	}
	if p.Process != 0 {
		j.Process = &p.Process
	}
	if p.Unreadable != "" {
		return j
	}
	j.Queue, j.Busy, j.Deferred, j.Oldest = &p.Queue, &p.Busy, &p.Deferred, seconds(p.Oldest)
	if p.Limit != 0 {
		j.Limit = &p.Limit
	}
	if p.Counted {
		j.Connections, j.Calls, j.Datagrams, j.Failures = &p.Connections, &p.Calls, &p.Datagrams, &p.Failures
	}
	return j
}

func (c *Census) wait(i int) jsonWait {
	w := &c.Graph.State().Waits[i]
	j := jsonWait{Process: w.Process, Thread: w.ThreadID, Call: w.Call, Message: w.Message, Name: w.PortName, Waited: seconds(w.Age)}
	if w.Peer != 0 {
		j.Peer = &w.Peer
	}
	if m := c.Graph.Awaits(i); m != nil {
		state := StateName(m)
		j.State = &state
	}
	return j
}

// StateName says where a message stands that was received and not replied to.
func StateName(m *waitgraph.Message) string {
	switch {
	case m.State == waitgraph.Queued:
		return "queued"
	case m.Connect:
		return "connecting"
	case m.State == waitgraph.Deferred:
		return "deferred"
	}
	return "served"
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func address(a uint64) *string {
	if a == 0 {
		return nil
	}
	s := fmt.Sprintf("%016x", a)
	return &s
}

func seconds(d time.Duration) *float64 {
	if d < 0 {
		return nil
	}
	s := d.Seconds()
	return &s
}
