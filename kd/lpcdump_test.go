package kd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// An lpcScene is a machine whose processes talk over ports.
type lpcScene struct {
	*dumptest.Machine
	o       *dumptest.Objects
	handles map[uint64]*dumptest.Handles // by process
	next    map[uint64]uint64            // handle values by process
	pids    map[uint64]uint64
	system  uint64
	tids    uint64
	ids     []uint64 // of messages
	waits   uint64   // calls and callbacks so far
	last    []uint64 // threads, in the order in which they were made

	procs []uint64 // processes
	named []uint64 // connection ports

	front, spoolServer, toPrint uint64 // ports
	spool                       uint64 // process
}

const lpcNow = 64667068 // ticks

// lpcProfiles are the machines that issue texts are written for.
func lpcProfiles() map[string]dumptest.Profile {
	pae := dumptest.XPPAE
	pae.Pack = 3
	return map[string]dumptest.Profile{"xp": dumptest.XP, "xp_pae": pae, "2003": dumptest.Server2003, "2003_x64": dumptest.X64}
}

func newLpcScene(p dumptest.Profile, lists bool) *lpcScene {
	s := &lpcScene{Machine: dumptest.New(p), handles: map[uint64]*dumptest.Handles{}, next: map[uint64]uint64{}, pids: map[uint64]uint64{}, tids: 0x400}
	s.o = s.NewObjects(dumptest.ObjectOptions{Lists: lists})
	s.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x200000})
	s.SetVariable("KeTimeIncrement", 100000)
	s.Header.Uptime = lpcNow * 100000
	return s
}

// process makes a process with a handle table of so many levels.
func (s *lpcScene) process(id uint64, image string, levels int) uint64 {
	at := s.o.Add(dumptest.Object{Type: s.o.Type("Process"), Tag: "Proc", Size: s.Size("_EPROCESS"), Pointers: 2, NonPaged: true, Creator: 4})
	s.AddProcess(dumptest.Process{At: at, ID: id, Parent: 4, Image: image, Peb: 0x7ffd9000})
	s.handles[at] = s.AddHandles(at, dumptest.HandleTable{Levels: levels})
	s.next[at], s.pids[at] = 4, id
	s.procs = append(s.procs, at)
	return at
}

// thread makes a thread that neither waits nor runs; the first one of all runs.
func (s *lpcScene) thread(process uint64) uint64 {
	s.tids += 4
	at := s.o.Add(dumptest.Object{Type: s.o.Type("Thread"), Tag: "Thre", Size: s.Size("_ETHREAD"), Pointers: 1, NonPaged: true, Creator: 4})
	state := uint8(1)
	if len(s.last) == 0 {
		state = 2
	}
	s.AddThread(process, dumptest.Thread{At: at, ID: s.tids, State: state, Teb: 0x7ffde000})
	if len(s.last) == 0 {
		s.AddProcessor(at)
	}
	s.last = append(s.last, at)
	return at
}

func (s *lpcScene) cid(thread uint64) [2]uint64 {
	at := thread + s.Offset("_ETHREAD.Cid")
	return [2]uint64{s.GetPtr(at), s.GetPtr(at + uint64(s.Pointer()))}
}

// handle enters an object into a process's table.
func (s *lpcScene) handle(process, object uint64) uint64 {
	v := s.next[process]
	s.next[process] += 4
	s.handles[process].Set(v, object, 0x1f0001, 0)
	return v
}

// port makes a connection port of a process.
func (s *lpcScene) port(process uint64, name string, flags uint64) uint64 {
	at := s.o.AddPort(dumptest.Port{Flags: dumptest.ConnectionPort | flags, Name: name, Process: process, Creator: [2]uint64{s.pids[process], 0}, Handles: 1,
		Security: dumptest.Security{Level: 2, Dynamic: true}})
	s.handle(process, at)
	s.named = append(s.named, at)
	return at
}

// connect connects a process to a port; both ends have a handle. A port of waitable
// type has ends of that type.
func (s *lpcScene) connect(port, server, client uint64, flags uint64) (serverEnd, clientEnd uint64) {
	w := flags & dumptest.PortWaitable
	serverEnd, clientEnd = s.o.Connect(port,
		dumptest.Port{Flags: w, Process: server, Creator: [2]uint64{s.pids[server], 0}, Handles: 1, Context: 0x21},
		dumptest.Port{Flags: flags, Process: client, Creator: [2]uint64{s.pids[client], 0}, Handles: 1, Security: dumptest.Security{Level: 2, Dynamic: flags&dumptest.PortDynamic != 0, Token: 0xe1f00000}})
	s.handle(server, serverEnd)
	s.handle(client, clientEnd)
	return serverEnd, clientEnd
}

// call makes a thread wait for the reply to a new message that goes from one end of a
// connection to the other, and returns the message. It stands nowhere yet.
func (s *lpcScene) call(thread, from, to uint64, text string) (id, message uint64) {
	id = uint64(0x1a000001 + len(s.ids))
	s.ids = append(s.ids, id)
	return id, s.ask(thread, dumptest.Message{ID: id, Data: []byte(text)}, from, to)
}

// ask makes a thread wait for the reply to a request.
func (s *lpcScene) ask(thread uint64, msg dumptest.Message, from, to uint64) uint64 {
	s.waits++
	s.o.WaitReply(thread, msg.ID, from, to)
	s.Set(thread, "_KTHREAD.WaitTime", lpcNow-1000*(60-s.waits)) // the first waits longest
	msg.Type, msg.Sender, msg.Client = 1, from, s.cid(thread)
	return s.o.AddMessage(msg)
}

// callback has the thread that serves a request ask the request's sender back, with the
// request's id, as NT does (spec lpc.md e.2); a thread of the sender's has received it.
func (s *lpcScene) callback(server, asker, id, from, to uint64, text string) {
	s.ask(asker, dumptest.Message{ID: id, Callback: s.waits, Data: []byte(text)}, from, to)
	s.o.Received(server, id)
}

// serve makes a call that a thread of the other side has received.
func (s *lpcScene) serve(server, client, from, to uint64, text string) uint64 {
	id, _ := s.call(client, from, to, text)
	s.o.Received(server, id)
	return id
}

// hang is a hang through three processes: front calls print, whose thread calls spool,
// whose thread calls front's own port, where forty messages stand and nobody receives.
// Beside it front is called back on behalf of a call of its own.
func hang(p dumptest.Profile, lists bool) *lpcScene {
	s := newLpcScene(p, lists)
	s.system = s.process(4, "System", 1)
	s.thread(s.system)
	front, spool, print := s.process(0x1dc, "front.exe", 1), s.process(0x2f0, "spool.exe", 3), s.process(0x3a4, "print.exe", 2)
	a, b, c := s.port(front, "front", 0), s.port(spool, "spool", dumptest.PortWaitable), s.port(print, "print", 0)
	toPrintS, toPrint := s.connect(c, print, front, dumptest.PortDynamic)
	toSpoolS, toSpool := s.connect(b, spool, print, dumptest.PortWaitable)
	toFrontS, toFront := s.connect(a, front, spool, 0)
	s.front, s.spoolServer, s.toPrint, s.spool = a, toSpoolS, toPrint, spool
	user, printer, spooler := s.thread(front), s.thread(print), s.thread(spool)
	s.serve(printer, user, toPrint, toPrintS, "print a page")
	s.serve(spooler, printer, toSpool, toSpoolS, "spool a page")
	_, m := s.call(spooler, toFront, toFrontS, "show the page")
	s.o.Queue(a, m)
	for i := range 39 {
		id := uint64(0x2b000001 + i)
		s.o.Queue(a, s.o.AddMessage(dumptest.Message{ID: id, Type: 3, Sender: toFront, Client: s.cid(spooler), Data: []byte(fmt.Sprintf("note %d", i)), NonPaged: i%8 == 0}))
	}
	// The callback: another thread of front asks print, whose thread asks back.
	asker, printer2, helper := s.thread(front), s.thread(print), s.thread(front)
	asked := s.serve(printer2, asker, toPrint, toPrintS, "ask")
	s.callback(helper, printer2, asked, toPrintS, toPrint, "ask back")
	gate := s.o.Add(dumptest.Object{Type: s.o.Type("Semaphore"), Tag: "Sema", Size: s.Size("_KSEMAPHORE"), Name: "gate", Directory: s.o.RPC, Pointers: 2, NonPaged: true})
	s.Semaphore(gate, 0)
	s.Wait(helper, 6, 0, gate) // UserRequest
	// A receiver that is idle, and one that keeps what it received last.
	s.o.WaitReceive(s.thread(print), c)
	idle := s.thread(spool)
	s.o.Received(idle, 0x77)
	s.o.WaitReceive(idle, b)
	// What is left over: data that its sender described, a port without a name, one
	// that was deleted, a message whose memory waits to be used again.
	s.o.DataInfo(toSpoolS, s.o.AddMessage(dumptest.Message{ID: 0x3c000001, Type: 1, Info: 0x30, Sender: toSpool, Client: s.cid(printer), Data: make([]byte, 0x40)}))
	s.handle(print, s.o.AddPort(dumptest.Port{Flags: dumptest.UnconnectedPort, Process: print, Creator: s.cid(printer), Handles: 1}))
	s.o.AddPort(dumptest.Port{Flags: dumptest.ConnectionPort | dumptest.PortNameDeleted, Process: print, Creator: s.cid(printer), Pointers: 1})
	s.o.AddMessage(dumptest.Message{ID: 0x3c000002, Type: 2, Client: s.cid(user)})
	// One that connects waits at the port itself, and its request stands there.
	joiner := s.thread(print)
	id := uint64(0x1a000001 + len(s.ids))
	s.o.WaitReply(joiner, id, 0, a)
	s.Set(joiner, "_ETHREAD.LpcWaitingOnPort", 0)
	s.Set(joiner, "_KTHREAD.WaitReason", dumptest.WrExecutive)
	s.Set(joiner, "_KTHREAD.WaitTime", lpcNow-50)
	s.o.Queue(a, s.o.AddMessage(dumptest.Message{ID: id, Type: 0xa, Client: s.cid(joiner), Data: []byte("hello")}))
	s.ids = append(s.ids, id)
	s.handle(s.system, a)
	ids := s.AddCidTable(2)
	for p, id := range s.pids {
		ids.SetBody(id, p)
	}
	for _, th := range s.last {
		ids.SetBody(s.cid(th)[1], th)
	}
	return s
}

// lines are all that is asked of a hang.
func (s *lpcScene) lines() []string {
	l := []string{"!lpc", "!lpc port", "!lpc thread", "!waitchain", "!deadlock", "!stuck 5", "!process 0 0", `!object \`, `!object \RPC Control`, `!object \RPC Control\spool`, `!object \ObjectTypes`}
	for _, id := range append([]uint64{0x2b000003, 0x77, 0x99}, s.ids...) {
		l = append(l, f("!lpc message %x", id))
	}
	for _, th := range s.last {
		l = append(l, f("!lpc thread %x", th), f("!thread %x 2", th))
	}
	for _, image := range []uint64{0x1dc, 0x2f0, 0x3a4} {
		l = append(l, f("!handle 0 3 %x", image))
	}
	secure := s.toPrint + s.Offset("_LPCP_PORT_OBJECT.SecurityQos") // of the client's end
	l = append(l, f("dt _SECURITY_QUALITY_OF_SERVICE %x", secure), f("dt _SECURITY_CLIENT_CONTEXT %x", s.toPrint+s.Offset("_LPCP_PORT_OBJECT.StaticSecurity")), f("dt _LPCP_PORT_OBJECT %x", s.toPrint))
	return append(l, "!handle 4 3 2f0", "!handle 0 7 1dc Port", "!handle 999 3 1dc", "!handle 0 3 2f0 WaitablePort", "!handle 80000004", "!handle 0 11", "!handle 1dc 20", "!handle 40c 22", "!handle 0 21", "!handle 999 20", "!handle", "!lpc message", "!lpc PoolSearch", f("!lpc message %x", s.ids[0]), "!lpc message 3c000002")
}

func TestLpcDumps(t *testing.T) {
	for name, p := range lpcProfiles() {
		t.Run(name, func(t *testing.T) {
			s := hang(p, true)
			text := transcript(t, openDump(t, s.Dump(dumptest.Full)), s.lines()...)
			golden.Text(t, "windows/lpc_"+name+".txt", text)
			if bitmap := transcript(t, openDump(t, s.Dump(dumptest.BitmapKernel)), s.lines()...); bitmap != text {
				t.Errorf("a kernel dump shows something else: %s", golden.Differ(bitmap, text))
			}
			// Without lists of types the same ports are found otherwise.
			s = hang(p, false)
			without := transcript(t, openDump(t, s.Dump(dumptest.Full)), "!lpc port")
			golden.Text(t, "windows/lpc_nolist_"+name+".txt", without)
			if a, b := strings.Count(text[:strings.Index(text, "kd> !lpc thread")], "  Port: 0x"), strings.Count(without, "  Port: 0x"); a != b {
				t.Errorf("%d ports are found without lists, %d with them", b, a)
			}
		})
	}
}

// That chains are left out is told where they are, and not where as many are shown as may
// be.
func TestManyChains(t *testing.T) {
	for threads, more := range map[int]bool{200: false, 201: true} {
		s := newLpcScene(dumptest.XP, false)
		server := s.process(0x1dc, "server.exe", 1)
		s.thread(server)
		for i := range threads {
			th := s.thread(server)
			s.Set(th, "_ETHREAD.LpcReplyMessageId", uint64(1+i))
			s.Empty(th + s.Offset("_ETHREAD.LpcReplyChain"))
		}
		text := transcript(t, openDump(t, s.Dump(dumptest.Full)), "!waitchain")
		if n := strings.Count(text, " waits for message "); n != 200 || strings.Contains(text, "More threads wait; these are the first 200") != more {
			t.Errorf("of %d threads %d are shown: %s", threads, n, text[max(0, len(text)-300):])
		}
	}
}
