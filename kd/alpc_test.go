package kd_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
	"github.com/seed-eedd8485/lpc/target"
)

// alpcTypes are types as a user brings them: a structure with its size, its members with
// offset and type. ALPC's are those of Windows 7 SP1 x64's public symbols; processes
// and threads stand as dumptest's Windows 10 lays them down.
const alpcTypes = `
_LIST_ENTRY 10
 Flink 0 ptr
 Blink 8 ptr
_CLIENT_ID 10
 UniqueProcess 0 ptr
 UniqueThread 8 ptr
_UNICODE_STRING 10
 Length 0 u16
 MaximumLength 2 u16
 Buffer 8 ptr
_PORT_MESSAGE 28
 DataLength 0 u16
 TotalLength 2 u16
 Type 4 u16
 DataInfoOffset 6 u16
 ClientId 8 _CLIENT_ID
 MessageId 18 u32
 CallbackId 20 u32
_ALPC_COMMUNICATION_INFO 40
 ConnectionPort 0 ptr
 ServerCommunicationPort 8 ptr
 ClientCommunicationPort 10 ptr
 CommunicationList 18 _LIST_ENTRY
_ALPC_PORT_ATTRIBUTES 48
 Flags 0 u32
 MaxMessageLength 10 u64
_PORT_BITS 4
 Initialized 0 bit:0.1
 Type 0 bit:1.2
 ConnectionPending 0 bit:3.1
 ConnectionRefused 0 bit:4.1
 Disconnected 0 bit:5.1
 Closed 0 bit:6.1
 NoFlushOnClose 0 bit:7.1
 Waitable 0 bit:9.1
 DynamicSecurity 0 bit:10.1
 Lpc 0 bit:12.1
_PORT_UNION 4
 s1 0 _PORT_BITS
 State 0 u32
_ALPC_PORT 1a0
 PortListEntry 0 _LIST_ENTRY
 CommunicationInfo 10 ptr
 OwnerProcess 18 ptr
 CompletionPort 20 ptr
 PortContext 38 ptr
 MainQueue 88 _LIST_ENTRY
 PendingQueue 98 _LIST_ENTRY
 LargeMessageQueue a8 _LIST_ENTRY
 WaitQueue b8 _LIST_ENTRY
 PortAttributes d0 _ALPC_PORT_ATTRIBUTES
 CompletionList 138 ptr
 CanceledQueue 158 _LIST_ENTRY
 SequenceNo 168 u32
 u1 16c _PORT_UNION
_KALPC_MESSAGE_ATTRIBUTES 38
 ClientContext 0 ptr
 ServerContext 8 ptr
 PortContext 10 ptr
 CancelPortContext 18 ptr
 SecurityData 20 ptr
 View 28 ptr
_MESSAGE_BITS 4
 QueueType 0 bit:0.2
 Canceled 0 bit:6.1
 ReleaseMessage 0 bit:8.1
 ReplyWaitReply 0 bit:10.1
_MESSAGE_UNION 4
 s1 0 _MESSAGE_BITS
 State 0 u32
_KALPC_MESSAGE 100
 Entry 0 _LIST_ENTRY
 QuotaProcess 20 ptr
 SequenceNo 28 u32
 u1 2c _MESSAGE_UNION
 CancelSequencePort 30 ptr
 CancelQueuePort 38 ptr
 CancelSequenceNo 40 u32
 CancelListEntry 48 _LIST_ENTRY
 WaitingThread 58 ptr
 PortQueue 68 ptr
 OwnerPort 70 ptr
 MessageAttributes 78 _KALPC_MESSAGE_ATTRIBUTES
 ServerThread d0 ptr
 PortMessage d8 _PORT_MESSAGE
_KPROCESS 438
 DirectoryTableBase 28 u64
_EPROCESS a40
 Pcb 0 _KPROCESS
 UniqueProcessId 440 ptr
 ActiveProcessLinks 448 _LIST_ENTRY
 InheritedFromUniqueProcessId 540 ptr
 ImageFileName 5a8 text
_KTHREAD 430
 State 184 u8
_ETHREAD 898
 Tcb 0 _KTHREAD
 Cid 478 _CLIENT_ID
 AlpcWaitListEntry 490 _LIST_ENTRY
_OBJECT_HEADER 38
 PointerCount 0 u64
 HandleCount 8 u64
 TypeIndex 18 u8
 InfoMask 1a u8
 Body 30 u64
_OBJECT_HEADER_NAME_INFO 20
 Directory 0 ptr
 Name 8 _UNICODE_STRING
_OBJECT_HEADER_CREATOR_INFO 20
 TypeList 0 _LIST_ENTRY
 CreatorUniqueProcess 10 ptr
_OBJECT_TYPE d0
 TypeList 0 _LIST_ENTRY
 Name 10 _UNICODE_STRING
 TotalNumberOfObjects 2c u32
_OBJECT_DIRECTORY 150
 HashBuckets 0 ptr
_OBJECT_DIRECTORY_ENTRY 18
 ChainLink 0 ptr
 Object 8 ptr
`

// parseAlpcTypes makes a description of alpcTypes and symbols, without what drop names.
func parseAlpcTypes(t testing.TB, symbols []isf.Symbol, drop string) isf.Types {
	t.Helper()
	sizes := map[string]int{}
	c := isf.Content{Source: "win7.json", PointerSize: 8, Symbols: symbols}
	for pass := range 2 {
		dropped := false
		for _, line := range strings.Split(strings.TrimSpace(alpcTypes), "\n") {
			w := strings.Fields(line)
			n, err := strconv.ParseUint(w[1], 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case line[0] != ' ':
				if dropped = w[0] == drop; dropped {
					continue
				}
				sizes[w[0]] = int(n)
				if pass == 1 {
					c.Layouts = append(c.Layouts, isf.Layout{Name: w[0], Kind: isf.Struct, Size: int(n)})
				}
			case pass == 1 && !dropped && w[0] != drop:
				l := &c.Layouts[len(c.Layouts)-1]
				l.Fields = append(l.Fields, isf.Field{Name: w[0], Offset: int(n), Type: alpcType(w[2], sizes)})
			}
		}
	}
	types, err := isf.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func alpcType(text string, sizes map[string]int) *isf.Type {
	u := func(n int) *isf.Type { return &isf.Type{Kind: isf.Base, Name: fmt.Sprintf("u%d", 8*n), Size: n} }
	if bits, ok := strings.CutPrefix(text, "bit:"); ok {
		b := &isf.Type{Kind: isf.Bits, Elem: u(4), Size: 4}
		_, _ = fmt.Sscanf(bits, "%d.%d", &b.BitPosition, &b.BitLength)
		return b
	}
	switch text {
	case "ptr":
		return &isf.Type{Kind: isf.Pointer, Size: 8}
	case "text":
		return &isf.Type{Kind: isf.Array, Elem: u(1), Count: 15, Size: 15}
	case "u8", "u16", "u32", "u64":
		n, _ := strconv.Atoi(text[1:])
		return u(n / 8)
	}
	return &isf.Type{Kind: isf.Struct, Name: text, Size: sizes[text]}
}

// An alpcScene is a machine with an ALPC connection: two processes, a message in three
// of the server's queues.
type alpcScene struct {
	*dumptest.Machine
	t              testing.TB
	types          isf.Types
	server, client uint64 // processes
	port, to, from uint64
	queued, served uint64 // messages
	index          uint64 // ObTypeIndexTable
}

func (s *alpcScene) set(at uint64, structure, path string, v uint64) {
	s.t.Helper()
	f, err := isf.Find(s.types, s.types.Layout(structure), path)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Number(at+uint64(f.Offset), v, f.Type.Size)
}

func (s *alpcScene) at(base uint64, structure, path string) uint64 {
	s.t.Helper()
	f, err := isf.Find(s.types, s.types.Layout(structure), path)
	if err != nil {
		s.t.Fatal(err)
	}
	return base + uint64(f.Offset)
}

// kernelBase is where dumptest puts the kernel of Windows 10.
const kernelBase = 0xfffff80400000000

func newAlpcScene(t testing.TB) *alpcScene {
	s := &alpcScene{Machine: dumptest.New(dumptest.Win10), t: t}
	list := s.List("AlpcpPortList")
	s.index = s.Variable("ObTypeIndexTable")
	table := s.Alloc(0x100)
	s.Ptr(s.index, table) // only the address of the table matters: it stands there
	s.types = parseAlpcTypes(t, []isf.Symbol{{Name: "AlpcpPortList", RVA: list - kernelBase}, {Name: "ObTypeIndexTable", RVA: table - kernelBase}}, "")
	typ := s.Alloc(0xd0)
	s.Unicode(s.at(typ, "_OBJECT_TYPE", "Name"), "ALPC Port")
	s.Ptr(table+7*8, typ)
	s.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Base: kernelBase, Size: 0x400000})
	s.server = s.AddProcess(dumptest.Process{ID: 0x2a4, Image: "svchost.exe"})
	s.client = s.AddProcess(dumptest.Process{ID: 0x3b8, Image: "wininit.exe"})
	worker := s.AddThread(s.server, dumptest.Thread{ID: 0x2a8, State: 5})
	caller := s.AddThread(s.client, dumptest.Thread{ID: 0x3bc, State: 5})
	s.AddProcessor(worker)
	info, first := s.Alloc(0x40), s.Alloc(0x40)
	s.Empty(s.at(first, "_ALPC_COMMUNICATION_INFO", "CommunicationList"))
	s.Insert(s.at(first, "_ALPC_COMMUNICATION_INFO", "CommunicationList"), s.at(info, "_ALPC_COMMUNICATION_INFO", "CommunicationList"))
	s.port = s.makePort(list, s.server, first, "ErrorLogPort")
	s.to, s.from = s.makePort(list, s.server, info, ""), s.makePort(list, s.client, info, "")
	for at, ends := range map[uint64][3]uint64{first: {s.port, 0, 0}, info: {s.port, s.to, s.from}} {
		for i, name := range []string{"ConnectionPort", "ServerCommunicationPort", "ClientCommunicationPort"} {
			s.set(at, "_ALPC_COMMUNICATION_INFO", name, ends[i])
		}
	}
	s.Insert(s.at(s.port, "_ALPC_PORT", "WaitQueue"), s.at(worker, "_ETHREAD", "AlpcWaitListEntry"))
	s.queued = s.makeMessage("MainQueue", "Entry", 0x334, 1, caller)
	s.served = s.makeMessage("PendingQueue", "Entry", 0x338, 1, caller)
	s.set(s.served, "_KALPC_MESSAGE", "ServerThread", worker)
	s.makeMessage("CanceledQueue", "CancelListEntry", 0x33c, 3, 0)
	return s
}

// makePort makes a port object of that type, with a name where it has one.
func (s *alpcScene) makePort(list, owner, info uint64, name string) uint64 {
	at := s.Alloc(0x80+0x1a0) + 0x80
	h := at - 0x30
	s.set(h, "_OBJECT_HEADER", "PointerCount", 3)
	s.set(h, "_OBJECT_HEADER", "HandleCount", 1)
	s.set(h, "_OBJECT_HEADER", "TypeIndex", 7)
	if name != "" {
		s.set(h, "_OBJECT_HEADER", "InfoMask", 2)
		s.Unicode(s.at(h-0x20, "_OBJECT_HEADER_NAME_INFO", "Name"), name)
	}
	for _, head := range []string{"MainQueue", "PendingQueue", "LargeMessageQueue", "WaitQueue", "CanceledQueue"} {
		s.Empty(s.at(at, "_ALPC_PORT", head))
	}
	s.Insert(list, s.at(at, "_ALPC_PORT", "PortListEntry"))
	s.set(at, "_ALPC_PORT", "OwnerProcess", owner)
	s.set(at, "_ALPC_PORT", "CommunicationInfo", info)
	s.set(at, "_ALPC_PORT", "SequenceNo", 3)
	s.set(at, "_ALPC_PORT", "u1.State", 1|1<<10)
	s.set(at, "_ALPC_PORT", "PortAttributes.MaxMessageLength", 0x148)
	return at
}

func (s *alpcScene) makeMessage(queue, link string, id, typ, waiting uint64) uint64 {
	m := s.Alloc(0x100)
	s.Empty(m)
	s.Insert(s.at(s.port, "_ALPC_PORT", queue), s.at(m, "_KALPC_MESSAGE", link))
	for path, v := range map[string]uint64{"PortMessage.MessageId": id, "PortMessage.Type": typ, "PortMessage.DataLength": 0x14, "PortMessage.TotalLength": 0x3c,
		"PortMessage.ClientId.UniqueProcess": 0x3b8, "PortMessage.ClientId.UniqueThread": 0x3bc, "PortMessage.CallbackId": 0x2f12c, "SequenceNo": 2,
		"OwnerPort": s.from, "PortQueue": s.port, "WaitingThread": waiting, "u1.State": 2, "MessageAttributes.ClientContext": 0x251df28} {
		s.set(m, "_KALPC_MESSAGE", path, v)
	}
	return m
}

// typesFile is a description in a file, as .isf reads it.
func typesFile(t testing.TB, types isf.Types) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "win7.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := isf.Write(f, types); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func (s *alpcScene) open(t testing.TB, types isf.Types) target.Target {
	t.Helper()
	tg := openDump(t, s.Dump(dumptest.BitmapKernel))
	if text, _, err := run(t, tg, ".isf "+typesFile(t, types)); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return tg
}

func (s *alpcScene) lines() []string {
	return []string{f("!alpc /p %x", s.port), f("!alpc /p %x", s.to), f("!alpc /p %x", s.from), f("!alpc /m %x", s.queued), f("!alpc /m %x", s.served), "!alpc /lpp", "!alpc /lpp 2a4", f("!alpc /lpp %x", s.client),
		f("!object %x", s.port), "!alpc", "!alpc /q 1", "!alpc /p", "!alpc /m 1000", "!lpc port"}
}

func TestAlpc(t *testing.T) {
	s := newAlpcScene(t)
	golden.Text(t, "windows/alpc.txt", transcript(t, s.open(t, s.types), s.lines()...))
}

// What the types lack is named; nothing is put in its place.
func TestAlpcMissing(t *testing.T) {
	s := newAlpcScene(t)
	symbols := s.types.(isf.Described).Content().Symbols
	tg := openDump(t, s.Dump(dumptest.BitmapKernel))
	for _, c := range []struct{ drop, line, want string }{
		{"_ALPC_PORT", f("!alpc /p %x", s.port), "does not describe _ALPC_PORT; .isf FILE brings the types of build 19041"},
		{"_KALPC_MESSAGE", "!alpc /lpp", "does not describe _KALPC_MESSAGE"},
		{"WaitQueue", f("!alpc /p %x", s.port), "Which threads wait on the port, these types do not describe"},
		{"PendingQueue", f("!alpc /p %x", s.port), "Pending queue: these types do not describe it (_ALPC_PORT.PendingQueue, _KALPC_MESSAGE.Entry)"},
		{"SecurityData", f("!alpc /m %x", s.queued), "SecurityData          : (not described by these types)"},
		{"PortListEntry", "!alpc /lpp", "does not describe _ALPC_PORT.PortListEntry"},
		{"_OBJECT_TYPE", f("!alpc /p %x", s.port), "OwnerProcess              : "},
	} {
		text, _, err := run(t, s.open(t, parseAlpcTypes(t, symbols, c.drop)), c.line)
		if err != nil {
			text += err.Error()
		}
		if !strings.Contains(text, c.want) {
			t.Errorf("without %s, %s: no %q in %s", c.drop, c.line, c.want, text)
		}
	}
	if _, _, err := run(t, s.open(t, parseAlpcTypes(t, nil, "")), "!alpc /lpp"); err == nil || !strings.Contains(err.Error(), "needs the symbol AlpcpPortList") {
		t.Error(err)
	}
	if _, _, err := run(t, tg, f("!alpc /p %x", s.port)); err == nil || !strings.Contains(err.Error(), "does not describe _ALPC_PORT, _ALPC_COMMUNICATION_INFO, _KALPC_MESSAGE") {
		t.Error(err) // the debugger data's own types
	}
	if _, _, err := run(t, openDump(t, dumptest.New(dumptest.XP).Dump(dumptest.Full)), "!alpc /lpp"); err == nil || !strings.Contains(err.Error(), "this is build 2600: its ports are shown by !lpc") {
		t.Error(err)
	}
	if _, _, err := run(t, openDump(t, s.Dump(dumptest.Triage)), "!alpc /lpp"); err == nil || !strings.Contains(err.Error(), "a triage dump holds no page tables") {
		t.Error(err)
	}
	if _, _, err := run(t, newFakeTarget(), "!alpc /lpp"); err == nil || !strings.Contains(err.Error(), "are shown by !lpc") {
		t.Error(err)
	}
}

// Lists of ALPC that do not close end where they break.
func TestAlpcDamage(t *testing.T) {
	s := newAlpcScene(t)
	s.Ptr(s.queued, s.queued)
	s.Ptr(s.at(s.from, "_ALPC_PORT", "PortListEntry"), 0xffffc08bfff00000)
	s.set(s.to, "_ALPC_PORT", "CommunicationInfo", s.served)
	s.set(s.served, "_KALPC_MESSAGE", "PortQueue", 0xffffc08bfff00000)
	tg := s.open(t, s.types)
	text := transcript(t, tg, s.lines()...)
	s.set(s.from, "_ALPC_PORT", "CommunicationInfo", 0xffffc08bfff00000)
	text += transcript(t, s.open(t, s.types), s.lines()...)
	for _, want := range []string{": not known: its connection is not readable", "  its connection is not readable: reading _ALPC_COMMUNICATION_INFO at 0xffffc08bfff00000", "Main queue is not readable to its end: walking the list at ", "The list of ports is not readable to its end: ", "a port that its own connection does not name", "It stands in none of the port's queues that could be read"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
