package kd_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// Lists that do not close, links to nowhere and what was freed in between: each command
// says where it ended and shows what comes before.
func TestLpcDamage(t *testing.T) {
	watchdog(t)
	const wild = 0x9fff0000 // mapped nowhere
	for name, c := range map[string]struct {
		damage func(s *lpcScene) []string // gives the commands
		want   []string                   // all of them in the text
	}{
		"queue cycle": {func(s *lpcScene) []string {
			third := s.queued(3)
			s.Ptr(third, s.queued(1)) // Flink
			return []string{f("!lpc port %x", s.front), "!waitchain", "!lpc message 2b000003"}
		}, []string{" 0003 ", "The message queue is not readable to its end: walking the list at ", "which does not lead back (after 4 entries", "Not readable: queue of the port at "}},
		"queue self link": {func(s *lpcScene) []string {
			s.Ptr(s.queued(2), s.queued(2))
			return []string{f("!lpc port %x", s.front), "!stuck"}
		}, []string{" 0002 ", "which does not lead back (after 3 entries"}},
		"queue to nowhere": {func(s *lpcScene) []string {
			s.Ptr(s.queued(1), wild)
			return []string{f("!lpc port %x", s.front), "!lpc message"}
		}, []string{" 0001 ", "not readable: reading _LPCP_MESSAGE at 0x9fff0000: no memory at 0x9fff0000: not mapped", "Not readable: queue of the port"}},
		"freed message": {func(s *lpcScene) []string {
			at := s.queued(1)
			s.o.Paged.Free(at)
			s.Put(at, bytes.Repeat([]byte{0xa5}, 0x30))
			return []string{f("!lpc port %x", s.front), "!lpc message", "!lpc message a5a5a5a5"}
		}, []string{"a5a5a5a5", "The message queue is not readable to its end", "no memory at 0xa5a5a5a5"}},
		"reply chain cycle": {func(s *lpcScene) []string {
			chain := s.last[1] + s.Offset("_ETHREAD.LpcReplyChain")
			s.Ptr(s.GetPtr(chain), chain)
			return []string{f("!lpc thread %x", s.last[1]), f("!lpc message %x", s.ids[0]), "!lpc thread", "!waitchain"}
		}, []string{"The reply chain cannot be followed: walking the list at ", "it comes back after 1 entries, none of which is a port's"}},
		"reply chain self link": {func(s *lpcScene) []string {
			chain := s.last[1] + s.Offset("_ETHREAD.LpcReplyChain")
			s.Ptr(chain, chain)
			return []string{f("!lpc thread %x", s.last[1]), "!waitchain"}
		}, []string{"The thread stands in no port's queue.\nBy its own record it waits on port e1000650.\n", "waits for message 0x1a000001 on port print"}},
		"reply chain that closes elsewhere": {func(s *lpcScene) []string {
			next := s.GetPtr(s.last[1] + s.Offset("_ETHREAD.LpcReplyChain"))
			s.Ptr(next, next)
			return []string{f("!lpc thread %x", s.last[1])}
		}, []string{"which does not lead back (after 1 entries"}},
		"reply chain to nowhere": {func(s *lpcScene) []string {
			s.Ptr(s.last[1]+s.Offset("_ETHREAD.LpcReplyChain"), wild)
			return []string{f("!lpc thread %x", s.last[1])}
		}, []string{"The reply chain cannot be followed: ", "no memory at 0x9fff0000: not mapped"}},
		"data info self link": {func(s *lpcScene) []string {
			head := s.spoolServer + s.Offset("_LPCP_PORT_OBJECT.LpcDataInfoChainHead")
			s.Ptr(s.GetPtr(head), s.GetPtr(head))
			return []string{f("!lpc port %x", s.spoolServer), "!lpc message"}
		}, []string{"The LpcDataInfoChainHead queue is not readable: walking the list at ", "Not readable: LpcDataInfoChain of the port at "}},
		"type list cycle": {func(s *lpcScene) []string {
			head := s.o.Type("Port") + s.Offset("_OBJECT_TYPE.TypeList")
			third := s.GetPtr(s.GetPtr(s.GetPtr(head)))
			s.Ptr(third, s.GetPtr(head))
			return []string{"!lpc port", "!deadlock"}
		}, []string{"Scanning 8 objects", "does not come back to its head: after 3 entries", "counts 8 objects, its list holds 3; not every type has a whole list: others found 0 by the object directory, 4 by handle tables, 1 by pool tag Port"}},
		"freed port in the list": {func(s *lpcScene) []string {
			s.Put(s.front-s.Offset("_OBJECT_HEADER.Body"), bytes.Repeat([]byte{0x5a}, 0x18))
			return []string{"!lpc port", f("!lpc port %x", s.front), f("!object %x", s.front), "!handle 4 3 1dc", `!object \RPC Control`}
		}, []string{"Scanning 7 objects", "no object stands at 0x", "its type would stand at 0x5a5a5a5a, which is no address of an object", "Object: "}},
		"port without references": {func(s *lpcScene) []string {
			s.Ptr(s.front-s.Offset("_OBJECT_HEADER.Body"), 0)
			return []string{"!lpc port", f("!object %x", s.front), f("!lpc port %x", s.front)}
		}, []string{"has 0 references: it was freed, or is being deleted", "Name: front"}},
		"directory cycle": {func(s *lpcScene) []string {
			entry := s.bucket("front")
			s.Ptr(entry, entry)
			return []string{`!object \RPC Control`, `!object \RPC Control\none`}
		}, []string{"comes again, or there are more than", "not readable", "print"}},
		"directory of nowhere": {func(s *lpcScene) []string {
			s.Ptr(s.bucket("front")+s.Offset("_OBJECT_DIRECTORY_ENTRY.Object"), wild)
			return []string{`!object \RPC Control`, `!object \RPC Control\front`}
		}, []string{"is not readable: no memory at 0x9ffeffe8: not mapped"}},
		"name of nowhere": {func(s *lpcScene) []string {
			info := s.front - s.Offset("_OBJECT_HEADER.Body") - uint64(s.Size("_OBJECT_HEADER_CREATOR_INFO")+s.Size("_OBJECT_HEADER_NAME_INFO"))
			s.Ptr(info+s.Offset("_OBJECT_HEADER_NAME_INFO.Name")+s.Offset("_UNICODE_STRING.Buffer"), wild)
			return []string{"!lpc port", f("!lpc port %x", s.front)}
		}, []string{"'(not readable: no memory at 0x9fff0000: not mapped)'"}},
		"handle table of a wrong level": {func(s *lpcScene) []string {
			s.Ptr(s.handles[s.spool].Table, s.handles[s.spool].Code|3)
			return []string{"!handle 0 3 2f0"}
		}, []string{"has TableCode 0x", "expected a page of the kernel and a level of 0 to 2"}},
		"handle table in itself": {func(s *lpcScene) []string {
			h := s.handles[s.spool] // of three levels
			s.Ptr(h.Code+4, h.Code)
			s.Ptr(h.Code+8, wild)
			s.Ptr(h.Code+12, 0x123)
			return []string{"!handle 0 3 2f0"}
		}, []string{"0004: Object: ", "stands in it twice", "no memory at 0x9fff0000: not mapped", "0x123 is no address of the kernel"}},
		"ports that are each other's and nobody's": {func(s *lpcScene) []string {
			s.Set(s.front, "_LPCP_PORT_OBJECT.ConnectionPort", wild)
			s.Set(s.spoolServer, "_LPCP_PORT_OBJECT.ConnectedPort", s.spoolServer)
			s.Set(s.spoolServer, "_LPCP_PORT_OBJECT.ConnectionPort", s.spoolServer)
			return []string{"!lpc port", f("!lpc port %x", s.spoolServer), f("!lpc scan %x", s.spoolServer), "!waitchain", f("!lpc port %x", s.front)}
		}, []string{"Server communication port 0x"}},
		"paged out pools": {func(s *lpcScene) []string {
			s.Entry(s.Kernel(), 0xe1000000, s.PageFile(7))
			return []string{"!lpc message", "!lpc port", f("!lpc port %x", s.front)}
		}, []string{"Not readable: pool block at 0xe1000000: the page at 0xe1000000: paged out", "\n18 messages\n", "the type Port is not found", "4 by handle tables", "is readable up to bucket 0 of 37"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := hang(dumptest.XP, true)
			lines := c.damage(s)
			text := transcript(t, openDump(t, s.Dump(dumptest.Full)), lines...)
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
		})
	}
}

// Queues, chains and data that many ports and threads share are followed once, however
// long they are: a dump of some megabytes asks for no more work than it has memory.
func TestLpcSharedLists(t *testing.T) {
	watchdog(t)
	const ports, links = 30, 1 << 14 // with one sentence for each of the three they are told whole
	s := hang(dumptest.XP, true)
	at := s.Alloc(8*links + 0x400) // each link overlaps the record of the one before
	for i := range uint64(links) {
		s.Ptr(at+8*i, at+8*((i+1)%links))
	}
	for i := range uint64(ports) {
		p := s.o.AddPort(dumptest.Port{Flags: dumptest.ConnectionPort, Process: s.spool})
		s.Ptr(p+s.Offset("_LPCP_PORT_OBJECT.MsgQueue.ReceiveHead"), at+8*i)
		s.Ptr(p+s.Offset("_LPCP_PORT_OBJECT.LpcDataInfoChainHead"), at+8*i)
		th := s.thread(s.spool)
		s.Set(th, "_ETHREAD.LpcReplyMessageId", 0x4d000000+i)
		s.Set(th, "_KTHREAD.State", 5)
		s.Set(th, "_KTHREAD.WaitReason", dumptest.WrLpcReply)
		s.Ptr(th+s.Offset("_ETHREAD.LpcReplyChain"), at+8*i)
	}
	text := transcript(t, openDump(t, s.Dump(dumptest.Full)), "!waitchain", "!lpc message", "!lpc message 99")
	for _, want := range []string{
		"Not readable: queue of the port at 0xe1", "stands in the list of the port at 0xe1", "Not readable: LpcDataInfoChain of the port at 0xe1",
		"reply chain of the thread at 0x", "which does not lead back (after 16384 entries", "after 1 entries it runs into another one, at 0x",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text[:min(len(text), 2000)])
		}
	}
}

// A port that is in no list any more is shown as JSON too, where its address is known.
func TestUnlistedPortJSON(t *testing.T) {
	s := hang(dumptest.XP, true)
	typ := s.o.Type("Port")
	entry := s.front - s.Offset("_OBJECT_HEADER.Body") - uint64(s.Size("_OBJECT_HEADER_CREATOR_INFO")) + s.Offset("_OBJECT_HEADER_CREATOR_INFO.TypeList")
	next, previous := s.GetPtr(entry), s.GetPtr(entry+uint64(s.Pointer()))
	s.Ptr(previous, next)
	s.Ptr(next+uint64(s.Pointer()), previous)
	s.Set(typ, "_OBJECT_TYPE.TotalNumberOfObjects", s.GetPtr(typ+s.Offset("_OBJECT_TYPE.TotalNumberOfObjects"))-1)
	tg := openDump(t, s.Dump(dumptest.Full))
	address := f(`"address":"%x"`, s.front)
	for line, want := range map[string]bool{"!lpc port": false, f("!lpc port %x", s.front): true} {
		d := kd.NewSession(tg)
		d.JSON = true
		var b strings.Builder
		if err := d.Run(context.Background(), &b, line); err != nil || strings.Contains(b.String(), address) != want {
			t.Errorf("%s: %v, %s", line, err, b.String())
		}
	}
}

// queued is the n-th message of front's queue.
func (s *lpcScene) queued(n int) uint64 {
	at := s.GetPtr(s.front + s.Offset("_LPCP_PORT_OBJECT.MsgQueue.ReceiveHead"))
	for range n {
		at = s.GetPtr(at)
	}
	return at
}

// bucket is the directory entry in front of its bucket in \RPC Control for a name.
func (s *lpcScene) bucket(name string) uint64 {
	return s.GetPtr(s.o.RPC + uint64(len(name)%37*s.Pointer()))
}

// Random damage to what the commands walk: each ends, without a panic and without
// steering a terminal.
func TestLpcRandomDamage(t *testing.T) {
	watchdog(t)
	rounds := 30
	if testing.Short() {
		rounds = 3
	}
	r := rand.New(rand.NewPCG(3, 4))
	for name, p := range lpcProfiles() {
		for _, lists := range []bool{true, false} {
			s := hang(p, lists)
			whole := s.Dump(dumptest.Full)
			lines := append([]string{"!lpc message", "!lpc port", "!handle 0 7 2f0", "!handle 0 23", `!object \`, `!object \RPC Control\spool`}, s.lines()...)
			for range rounds {
				data := bytes.Clone(whole)
				for range 1 + r.IntN(200) {
					at := 0x1000 + r.IntN(len(data)-0x1000)
					for i := at; i < min(at+1+r.IntN(8), len(data)); i++ {
						data[i] = byte(r.Uint32())
					}
				}
				ask(t, data, lines[:12+r.IntN(8)])
			}
			if t.Failed() {
				t.Fatalf("%s, lists %v", name, lists)
			}
		}
	}
}

// FuzzLpcDump puts bytes at two places of a dump whose processes talk over ports.
func FuzzLpcDump(f *testing.F) {
	var dumps [][]byte
	for _, c := range []struct {
		p     dumptest.Profile
		lists bool
	}{{dumptest.XP, true}, {dumptest.XPPAE, false}, {dumptest.X64, true}} {
		dumps = append(dumps, hang(c.p, c.lists).Dump(dumptest.Full))
	}
	lines := []string{"!lpc message", "!lpc port", "!lpc thread", "!lpc message 1a000001", "!waitchain", "!deadlock", "!stuck", "!handle 0 7 2f0", "!handle 0 23", `!object \RPC Control`, `!object \RPC Control\spool`}
	f.Add(uint8(0), uint32(0x20000), []byte{0xff, 0xff, 0xff, 0x9f}, uint32(0x30000), []byte{1, 2, 3, 4})
	f.Add(uint8(2), uint32(0x41000), bytes.Repeat([]byte{0}, 64), uint32(0x60), []byte{0})
	f.Fuzz(func(t *testing.T, which uint8, at uint32, b []byte, at2 uint32, b2 []byte) {
		data := bytes.Clone(dumps[int(which)%len(dumps)])
		copy(data[int(at)%len(data):], b)
		copy(data[int(at2)%len(data):], b2)
		ask(t, data, lines)
	})
}
