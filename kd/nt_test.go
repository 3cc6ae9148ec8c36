package kd_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/target"
)

// An ntTarget is memory that a test wrote, with the structures of Windows XP, and a
// System that knows what the test put there. It shows the commands to be the same
// over NT's kernel; reading a dump is package ntdump's.
type ntTarget struct {
	types  isf.Types
	memory map[uint64][]byte
	procs  []target.Process
	thr    []target.Thread
	objs   map[uint64]target.Object
	ports  []uint64
	hands  []target.Handle
}

var _ target.Target = (*ntTarget)(nil)
var _ target.System = (*ntTarget)(nil)

func (n *ntTarget) ReadMemory(addr uint64, dst []byte) (int, error) {
	for base, b := range n.memory {
		if addr >= base && addr < base+uint64(len(b)) {
			c := copy(dst, b[addr-base:])
			if c == len(dst) {
				return c, nil
			}
			return c, &target.Absent{Addr: addr + uint64(c), Why: "not in the dump"}
		}
	}
	return 0, &target.Absent{Addr: addr, Why: "not in the dump"}
}
func (n *ntTarget) Describe() string               { return "structures of Windows XP" }
func (n *ntTarget) Has(target.Capability) bool     { return true }
func (n *ntTarget) Lacks(target.Capability) string { return "" }
func (n *ntTarget) Types(uint64) isf.Types         { return n.types }
func (n *ntTarget) PointerSize() int               { return 4 }
func (n *ntTarget) System() target.System          { return n }
func (n *ntTarget) Now() time.Time                 { return time.Time{} }
func (n *ntTarget) Close() error                   { return nil }

func seq[T any](l []T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, v := range l {
			if !yield(v) {
				return
			}
		}
	}
}
func (n *ntTarget) Processes() iter.Seq[target.Process] { return seq(n.procs) }
func (n *ntTarget) Process(addr uint64) (target.Process, error) {
	for _, p := range n.procs {
		if p.Addr == addr || uint64(p.ID) == addr {
			return p, nil
		}
	}
	return target.Process{}, errors.New("no process stands there")
}
func (n *ntTarget) Threads(uint64) iter.Seq[target.Thread] { return seq(n.thr) }
func (n *ntTarget) Ports() (iter.Seq[target.Object], string) {
	return func(yield func(target.Object) bool) {
		for _, a := range n.ports {
			if !yield(n.objs[a]) {
				return
			}
		}
	}, "by pool tag Port: the type's list is not kept"
}
func (n *ntTarget) Object(addr uint64) (target.Object, error) {
	if o, ok := n.objs[addr]; ok {
		return o, nil
	}
	return target.Object{}, errors.New("no object stands there")
}
func (n *ntTarget) Handles(uint64) iter.Seq[target.Handle] { return seq(n.hands) }
func (n *ntTarget) Names(string) iter.Seq[target.Object]   { return seq([]target.Object(nil)) }
func (n *ntTarget) Blocks(string) iter.Seq[target.Block]   { return seq([]target.Block(nil)) }

// put writes fields of a structure at an address.
func (n *ntTarget) put(t *testing.T, addr uint64, name string, extra int, fields map[string]uint64) {
	t.Helper()
	l := n.types.Layout(name)
	b := n.memory[addr]
	if b == nil {
		b = make([]byte, l.Size+extra)
		n.memory[addr] = b
	}
	for path, v := range fields {
		f, err := isf.Find(n.types, l, path)
		if err != nil {
			t.Fatal(err)
		}
		switch f.Type.Size {
		case 1:
			b[f.Offset] = byte(v)
		case 2:
			binary.LittleEndian.PutUint16(b[f.Offset:], uint16(v))
		case 4:
			binary.LittleEndian.PutUint32(b[f.Offset:], uint32(v))
		default:
			t.Fatalf("%s has %d bytes", path, f.Type.Size)
		}
	}
}

// seed is the walk of the document that the project implements: a server thread of
// rpclpcs.exe that waits to receive. A client of ours is added, which waits for it:
// message 111 stands in the queue, message 222 is with the server's second thread.
func seed(t *testing.T) *ntTarget {
	data, err := os.ReadFile("../ntdump/types/xp-x86.json")
	if err != nil {
		t.Fatal(err)
	}
	n := &ntTarget{memory: map[uint64][]byte{}, objs: map[uint64]target.Object{}}
	if n.types, err = isf.Parse("built in: XP SP2 x86", data); err != nil {
		t.Fatal(err)
	}
	const server, client, thread, second, waiter = 0x810ddda0, 0x81200da0, 0x810de2a8, 0x810df2a8, 0x812012a8
	const ccp, scp, clp, queue = 0xe1084108, 0xe1090008, 0xe1094008, 0x81131188
	const queued = 0xe10a0008
	n.procs = []target.Process{{Addr: server, ID: 0x1dc, Parent: 0x1b4, Image: "rpclpcs.exe"}, {Addr: client, ID: 0x2f0, Parent: 0x1b4, Image: "client.exe"}}
	n.put(t, server, "_EPROCESS", 0, map[string]uint64{"Peb": 0x7ffd9000, "Pcb.DirectoryTableBase[0]": 0x058cd000, "ObjectTable": 0xe1a13278, "DeviceMap": 0xe196c460})
	n.put(t, client, "_EPROCESS", 0, map[string]uint64{"Peb": 0x7ffd8000, "Pcb.DirectoryTableBase[0]": 0x05000000, "ObjectTable": 0})
	n.put(t, 0xe1a13278, "_HANDLE_TABLE", 0, map[string]uint64{"TableCode": 0xe107d000, "HandleCount": 18})
	n.thr = []target.Thread{{Addr: thread, Process: server, ID: 0x1f4}, {Addr: second, Process: server, ID: 0x1f8}, {Addr: waiter, Process: client, ID: 0x2f4}, {Addr: waiter + 0x1000, Process: client, ID: 0x2f8}}
	n.put(t, thread, "_ETHREAD", 0, map[string]uint64{
		"Cid.UniqueProcess": 0x1dc, "Cid.UniqueThread": 0x1f4, "Tcb.Teb": 0x7ffde000, "Tcb.State": 5, "Tcb.WaitReason": 0x10, "Tcb.WaitMode": 1,
		"Tcb.WaitBlockList": 0x810de318, "Tcb.WaitTime": 64666666, "Tcb.ContextSwitches": 2, "Win32StartAddress": 0x77e76bf0, "StartAddress": 0x7c810856,
		"Tcb.InitialStack": 0xf8e28000, "Tcb.KernelStack": 0xf8e27c4c, "Tcb.StackBase": 0xf8e28000, "Tcb.StackLimit": 0xf8e25000, "Tcb.Priority": 8, "Tcb.BasePriority": 8,
	})
	n.put(t, thread, "_ETHREAD", 0, map[string]uint64{
		"Tcb.WaitBlock[0].Object": queue, "Tcb.WaitBlock[0].NextWaitBlock": 0x810de330, "Tcb.WaitBlock[1].Object": 0x810de398, "Tcb.WaitBlock[1].NextWaitBlock": 0x810de318, "Tcb.Timer.Header.Type": 8,
	})
	n.put(t, queue, "_KSEMAPHORE", 0, map[string]uint64{"Header.Type": 5, "Limit": 0x7fffffff, "Header.SignalState": 1})
	n.put(t, second, "_ETHREAD", 0, map[string]uint64{"Cid.UniqueProcess": 0x1dc, "Cid.UniqueThread": 0x1f8, "Tcb.State": 2, "LpcReceivedMessageId": 0x222, "SameThreadApcFlags": 1})
	for i, id := range []uint64{0x111, 0x222} {
		at := uint64(waiter + i*0x1000)
		links := [2]uint64{scp + 0x78, uint64(waiter+0x1000) + 0x1c8}
		if i == 1 {
			links = [2]uint64{waiter + 0x1c8, scp + 0x78}
		}
		n.put(t, at, "_ETHREAD", 0, map[string]uint64{
			"Cid.UniqueProcess": 0x2f0, "Cid.UniqueThread": 0x2f4 + 4*uint64(i), "Tcb.State": 5, "Tcb.WaitReason": 0x11, "LpcReplyMessageId": id, "LpcWaitingOnPort": clp | 1,
			"LpcReplyChain.Flink": links[0], "LpcReplyChain.Blink": links[1],
		})
	}
	port := func(at, flags uint64, name string, f map[string]uint64) {
		f["Flags"] = flags
		n.put(t, at, "_LPCP_PORT_OBJECT", 0, f)
		n.ports = append(n.ports, at)
		n.objs[at] = target.Object{Addr: at, Type: "Port", TypeAddr: 0x812b5c80, Header: at - 0x18, Name: name, Handles: 1, Pointers: 4, Process: server}
	}
	port(ccp, 1, "rpclpc", map[string]uint64{"ConnectionPort": ccp, "ServerProcess": server, "MsgQueue.Semaphore": queue,
		"MsgQueue.ReceiveHead.Flink": queued, "MsgQueue.ReceiveHead.Blink": queued, "LpcDataInfoChainHead.Flink": ccp + 0x80, "LpcDataInfoChainHead.Blink": ccp + 0x80})
	port(scp, 3, "", map[string]uint64{"ConnectionPort": ccp, "ConnectedPort": clp, "LpcReplyChainHead.Flink": waiter + 0x1000 + 0x1c8, "LpcReplyChainHead.Blink": waiter + 0x1c8,
		"LpcDataInfoChainHead.Flink": scp + 0x80, "LpcDataInfoChainHead.Blink": scp + 0x80})
	port(clp, 0x80000004, "", map[string]uint64{"ConnectionPort": ccp, "ConnectedPort": scp, "LpcDataInfoChainHead.Flink": clp + 0x80, "LpcDataInfoChainHead.Blink": clp + 0x80})
	o := n.objs[ccp]
	o.Directory = 0xe14c72c8
	n.objs[ccp] = o
	n.put(t, queued, "_LPCP_MESSAGE", 24, map[string]uint64{
		"Entry.Flink": ccp + 0x10, "Entry.Blink": ccp + 0x10, "SenderPort": clp, "PortContext": 0x21, "Request.u1.s1.DataLength": 0x7c, "Request.u1.s1.TotalLength": 0x98,
		"Request.u2.s2.Type": 1, "Request.u2.s2.DataInfoOffset": 0x38, "Request.ClientId.UniqueProcess": 0x2f0, "Request.ClientId.UniqueThread": 0x2f4, "Request.MessageId": 0x111,
	})
	binary.LittleEndian.PutUint32(n.memory[queued][0x30+4:], 0x2021f)
	n.hands = []target.Handle{{Value: 0x7c0, Entry: 0xe107df80, Next: 0x7c8}, {Value: 0x7c4, Object: ccp, Access: 0x1f0001, Entry: 0xe107df88}}
	return n
}

// The same commands over NT's structures, in WinDbg's words.
func TestNT(t *testing.T) {
	n := seed(t)
	var b strings.Builder
	for _, line := range []string{
		"!thread 810de2a8 2", "!handle 7c4 3 810ddda0", "!handle 0 7 810ddda0", "!lpc port e1084108", "!lpc port", "!lpc scan e1090008", "!lpc message 111", "!lpc thread",
		"!lpc message 222", "!lpc thread 812012a8", "!process 0 0", "!waitchain", "!deadlock", "!stuck", "dt nt!_LPCP_PORT_OBJECT", "dps e1084108 L4", "dd e1084108 L2", "!gflag", "!failed",
	} {
		text, _, err := run(t, n, line)
		fmt.Fprintf(&b, "kd> %s\n%s", line, text)
		if err != nil {
			fmt.Fprintf(&b, "error: %s\n", err)
		}
		fmt.Fprintln(&b)
	}
	golden.Text(t, "nt.txt", b.String())
}
