package picture_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

// A scene is processes, ports, connections and calls that a test puts together.
type scene struct {
	c  census.Census
	st waitgraph.State
}

func newScene() *scene {
	return &scene{st: waitgraph.State{Processes: map[uint32]waitgraph.Process{}}, c: census.Census{Now: time.Unix(1700000000, 0)}}
}

func (s *scene) process(id uint32, image string) {
	s.c.Processes = append(s.c.Processes, census.Process{ID: id, Image: image})
	s.st.Processes[id] = waitgraph.Process{ID: id, Image: image}
}

// port adds a port and returns its address.
func (s *scene) port(process uint32, name string, limit int) uint64 {
	addr := uint64(process)<<40 | uint64(len(s.c.Ports)+1)*0x100
	s.c.Ports = append(s.c.Ports, census.Port{Addr: addr, Process: process, Name: name, Limit: limit, Oldest: -1, Counted: true})
	s.st.Ports = append(s.st.Ports, waitgraph.Port{Addr: addr, Process: process, Name: name, Limit: limit})
	return addr
}

func (s *scene) at(port uint64) *census.Port {
	for i := range s.c.Ports {
		if s.c.Ports[i].Addr == port {
			return &s.c.Ports[i]
		}
	}
	panic("no such port")
}

func (s *scene) connect(client uint32, port uint64, count int) {
	p := s.at(port)
	p.Connections += count
	s.c.Connections = append(s.c.Connections, census.Connection{Client: client, Server: p.Process, Port: port, Name: p.Name, Count: count})
}

// call adds a thread that waits and its message. parent is the message that the thread
// serves, 0 for none. It returns the message.
func (s *scene) call(client uint32, port uint64, state waitgraph.MessageState, age time.Duration, parent uint64) uint64 {
	n := len(s.st.Waits) + 1
	p := s.at(port)
	ref := uint64(p.Process)<<40 | 1<<30 | uint64(n)*0x100
	id := uint32(0x10000 + n)
	key := waitgraph.Key{Channel: uint64(n), Generation: 1}
	var parentID uint32
	for i := range s.st.Messages {
		if s.st.Messages[i].Ref == parent {
			parentID = s.st.Messages[i].ID
		}
	}
	s.st.Waits = append(s.st.Waits, waitgraph.Wait{
		Thread: uint64(client)<<40 | uint64(n)*0x100, ThreadID: uint64(n), Process: client, Message: id, Port: 1, PortName: p.Name, Peer: p.Process, Key: key,
		Call: "Conn.Call", Parent: parent, ParentID: parentID, ParentKnown: true, Start: uint64(n), Age: age,
	})
	m := waitgraph.Message{Ref: ref, Process: p.Process, ID: id, State: state, Port: port, PortName: p.Name, Key: key, Sender: client, Reply: true, Age: age, ServedAge: -1}
	switch p.Oldest = max(p.Oldest, age); state {
	case waitgraph.Queued:
		p.Queue++
	case waitgraph.Deferred:
		p.Deferred++
	default:
		p.Busy++
		m.ServedAge = age
	}
	s.st.Messages = append(s.st.Messages, m)
	return ref
}

// census is the scene as Take would give it.
func (s *scene) census() *census.Census {
	c := s.c
	slices.SortFunc(c.Processes, func(a, b census.Process) int { return cmp.Compare(a.ID, b.ID) })
	c.Graph = waitgraph.Build(&s.st)
	c.Cycles, c.More = c.Graph.Find()
	return &c
}

// ring is n processes that wait for each other; the first port has a queue.
func (s *scene) ring(first uint32, n int, age time.Duration) {
	var ports []uint64
	for i := range n {
		id := first + uint32(i)
		s.process(id, fmt.Sprintf("worker-%c", 'a'+i%26))
		ports = append(ports, s.port(id, fmt.Sprintf("ring/%d", i), 1))
	}
	s.process(first+uint32(n), "client")
	parent := s.call(first+uint32(n), ports[0], waitgraph.Served, age, 0)
	s.connect(first+uint32(n), ports[0], 1)
	for i := range n {
		to, state := (i+1)%n, waitgraph.Served
		if to == 0 {
			state = waitgraph.Queued
		}
		s.connect(first+uint32(i), ports[to], 1)
		parent = s.call(first+uint32(i), ports[to], state, age-time.Duration(i)*time.Millisecond, parent)
	}
}

// mesh is a system of clients, front ends and back ends: n processes in all.
func (s *scene) mesh(first uint32, n int, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	var back, front []uint64
	for i := range n {
		id := first + uint32(i)
		switch {
		case i < max(n/10, 1):
			s.process(id, []string{"store", "auth", "index"}[i%3])
			back = append(back, s.port(id, fmt.Sprintf("back/%d", i), 4))
		case i < n/3:
			s.process(id, []string{"api", "web", "mail", "jobs"}[i%4])
			port := s.port(id, fmt.Sprintf("front/%d", i), 8)
			front = append(front, port)
			used := map[uint64]bool{}
			for range 1 + r.IntN(3) {
				to := back[r.IntN(len(back))]
				if used[to] {
					continue
				}
				used[to] = true
				s.connect(id, to, 1+r.IntN(3))
				if r.IntN(5) == 0 {
					s.call(id, to, waitgraph.Served, time.Duration(r.IntN(9000))*time.Millisecond, 0)
				}
			}
		default:
			s.process(id, []string{"shell", "cron", "agent"}[i%3])
			to := front[r.IntN(len(front))]
			s.connect(id, to, 1)
			if r.IntN(4) == 0 {
				s.call(id, to, []waitgraph.MessageState{waitgraph.Served, waitgraph.Queued}[r.IntN(2)], time.Duration(r.IntN(9000))*time.Millisecond, 0)
			}
		}
	}
}
