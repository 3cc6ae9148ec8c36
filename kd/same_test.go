package kd_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// The scenes of live processes that are built in dumps too: the same processes, ports,
// threads and messages, in the order in which the live ones are listed.
var sameScenes = map[string]func(s *lpcScene){
	"queued": func(s *lpcScene) {
		service, client := s.process(476, "kd.test", 1), s.process(752, "kd.test", 3)
		alpha := s.port(service, "alpha", 0)
		var to, from [3]uint64
		for i := range to {
			to[i] = s.end(dumptest.ServerPort, service, alpha)
		}
		for i := range from {
			from[i] = s.end(dumptest.ClientPort, client, alpha)
			s.join(to[i], from[i])
		}
		server := s.thread(service)
		for i := range from {
			if id, m := s.call(s.thread(client), from[i], to[i], "hold"); i == 0 {
				s.o.Received(server, id)
			} else {
				s.o.Queue(alpha, m)
			}
		}
	},
	"callback": func(s *lpcScene) {
		service, client := s.process(476, "kd.test", 1), s.process(752, "kd.test", 1)
		alpha := s.port(service, "alpha", 0)
		to, from := s.end(dumptest.ServerPort, service, alpha), s.end(dumptest.ClientPort, client, alpha)
		s.join(to, from)
		server, caller, helper := s.thread(service), s.thread(client), s.thread(client)
		id := s.serve(server, caller, from, to, "back hold")
		s.callback(helper, server, id, to, from, "hold")
	},
	"three": func(s *lpcScene) {
		var services, ports, to, from, threads [3]uint64
		for i := range services {
			services[i] = s.process(uint64(0x200+0x40*i), "kd.test", 1)
		}
		client := s.process(0x400, "kd.test", 2)
		names := [3]string{"alpha", "beta", "gamma"}
		ports[0] = s.port(services[0], names[0], 0)
		first := s.end(dumptest.ServerPort, services[0], ports[0])
		for i := range services {
			if i > 0 {
				ports[i] = s.port(services[i], names[i], 0)
				to[i-1] = s.end(dumptest.ServerPort, services[i], ports[i])
			}
			from[i] = s.end(dumptest.ClientPort, services[i], 0)
			if i == 0 {
				to[2] = s.end(dumptest.ServerPort, services[0], ports[0])
			}
			threads[i] = s.thread(services[i])
		}
		for i := range from {
			s.Set(from[i], "_LPCP_PORT_OBJECT.ConnectionPort", ports[(i+1)%3])
			s.join(to[i], from[i])
		}
		last := s.end(dumptest.ClientPort, client, ports[0])
		s.join(first, last)
		s.serve(threads[0], s.thread(client), last, first, "call beta call gamma call alpha hold")
		s.serve(threads[1], threads[0], from[0], to[0], "call gamma call alpha hold")
		s.serve(threads[2], threads[1], from[1], to[1], "call alpha hold")
		_, m := s.call(threads[2], from[2], to[2], "hold")
		s.o.Queue(ports[0], m)
	},
}

// end makes one end of a connection to a port, with a handle in its process.
func (s *lpcScene) end(kind, process, port uint64) uint64 {
	at := s.o.AddPort(dumptest.Port{Flags: kind, Connection: port, Process: process, Creator: [2]uint64{s.pids[process], 0}, Handles: 1})
	s.handle(process, at)
	return at
}

// join links the two ends of a connection.
func (s *lpcScene) join(server, client uint64) {
	s.Set(server, "_LPCP_PORT_OBJECT.ConnectedPort", client)
	s.Set(client, "_LPCP_PORT_OBJECT.ConnectedPort", server)
}

// waiting are the ids of the messages that threads wait for a reply to, in the order in
// which !lpc thread lists them. A callback has its request's.
func (s *lpcScene) waiting() (list []uint64) {
	for _, p := range s.procs {
		for _, th := range s.last {
			if s.GetPtr(th+s.Offset("_ETHREAD.ThreadsProcess")) == p {
				if id := s.GetPtr(th + s.Offset("_ETHREAD.LpcReplyMessageId")); id&0xffffffff != 0 && !slices.Contains(list, id&0xffffffff) {
					list = append(list, id&0xffffffff)
				}
			}
		}
	}
	return list
}

// same are what live memory and a dump do not have in common, each turned into what
// both have: a port of ours has no semaphore and records how many handlers it may run,
// a thread of ours records its call, and a header of 64 bits is longer.
var same = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`Queue semaphore : [0-9a-f]+`), "Queue semaphore : <semaphore>"},
	{regexp.MustCompile(`0x0{8,16}\b`), "0x0"},
	{regexp.MustCompile(`Length=[0-9a-f]{4}`), "Length=<total>"},
	{regexp.MustCompile(` in (Conn\.Call|Request\.Callback)`), ""},
	{regexp.MustCompile(`, (the longest )?for \d+(:\d+ min|\.\d+ s)`), ""},
	{regexp.MustCompile(`its only handler is busy`), "1 handler is busy"},
	{regexp.MustCompile(`Deadlock, proved:|Possible deadlock:`), "Deadlock:"},
	{regexp.MustCompile(`(?m)^ *Not certain: .*\n`), ""},
	{regexp.MustCompile(` Data: .*`), " Data: <data>"}, // behind a message's data a dump has what else stands there
}

// oneThread says which records of ours are one thread in NT: a handler's call has a
// record of its own, with a number of its own.
func oneThread(w *records.World) map[uint64]uint64 {
	same := map[uint64]uint64{}
	for _, th := range w.Threads {
		for _, server := range w.Threads {
			if th.Waits() && th.Parent != 0 && server.Serving == th.Parent {
				same[server.Addr] = th.Addr
				same[uint64(server.Process)<<32|server.Cid.UniqueThread] = uint64(th.Process)<<32 | th.Cid.UniqueThread
			}
		}
	}
	return same
}

func likeness(text string) string {
	for _, r := range same {
		text = r.re.ReplaceAllString(text, r.to)
	}
	return text
}

var ntCid = regexp.MustCompile(`\b([0-9a-f]{4})\.([0-9a-f]{4})\b`)

// decimals puts the decimal form behind a dump's Cids, as it stands on Linux targets.
func decimals(text string) string {
	return ntCid.ReplaceAllStringFunc(text, func(m string) string {
		g := ntCid.FindStringSubmatch(m)
		p, _ := strconv.ParseUint(g[1], 16, 64)
		t, _ := strconv.ParseUint(g[2], 16, 64)
		return fmt.Sprintf("%s (%d.%d)", m, p, t)
	})
}

// sameLines are the commands that are compared, for ports and messages by number.
func sameLines(digits int, ports, ids []uint64) []string {
	l := []string{"!lpc port", "!lpc thread", "!waitchain", "!deadlock"}
	for _, p := range ports {
		l = append(l, f("!lpc port %0*x", digits, p), f("!lpc scan %0*x", digits, p))
	}
	for _, id := range ids {
		l = append(l, f("!lpc message %x", id))
	}
	return l
}

// A scene says the same whether its processes run here or stand in a dump of Windows,
// on every machine.
func TestLiveAndDump(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(sameScenes)) {
		t.Run(name, func(t *testing.T) {
			s := play(t, named(t, name))
			w := s.world(t)
			var waits, connections []uint64
			var ids []uint32
			for _, p := range w.Ports {
				if p.Kind == records.Connection {
					connections = append(connections, p.Addr)
				}
			}
			for _, m := range w.Messages {
				ids = append(ids, m.ID)
			}
			for _, th := range w.Threads { // in the order in which !lpc thread has them
				if th.Waits() && !slices.Contains(waits, uint64(th.Reply)) {
					waits = append(waits, uint64(th.Reply))
				}
			}
			_, pids, _ := s.commands(t)
			n := newNormalizer(pids, ids)
			n.alias = oneThread(w)
			live := n.text(likeness(s.script(t, sameLines(16, connections, waits))))
			golden.Text(t, "same_"+name+".txt", live)
			for machine, p := range lpcProfiles() {
				d := newLpcScene(p, true)
				sameScenes[name](d)
				tg := openDump(t, d.Dump(dumptest.Full))
				n = newNormalizer(nil, nil)
				for _, id := range d.pids {
					n.pids[id] = true
				}
				for _, id := range d.ids {
					n.messages[id] = true
				}
				n.kernel = func(v uint64, digits int) bool {
					return p.Bits == 32 && digits == 8 && v>>31 == 1 || p.Bits == 64 && digits == 16 && v>>47 == 0x1ffff
				}
				got := n.text(likeness(decimals(transcript(t, tg, sameLines(p.Bits/4, d.named, d.waiting())...))))
				if got != live {
					t.Errorf("%s: the dump and the running processes: %s", machine, golden.Differ(got, live))
				}
			}
		})
	}
}
