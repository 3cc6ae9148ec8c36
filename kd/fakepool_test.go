package kd_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
	"github.com/seed-eedd8485/lpc/wire"
)

// A fakePool is a pool that a test writes block by block, as its process would: for
// states that no real process can be brought into at will, and records that a later
// version of the library will write.
type fakePool struct {
	pid     uint32
	extents [][]byte
	tail    int
	types   []byte
}

const (
	extentHead = 0x40
	blockHead  = 0x20
)

// newFakePool begins the pool of a process. types is its type description.
func newFakePool(pid uint32, types []byte) *fakePool {
	f := &fakePool{pid: pid, types: types}
	h := pool.Header{Version: pool.Version, ProcessID: pid, ClockTicks: 1e9, ClockWall: uint64(fakeNow.UnixNano()), ClockHz: 1e9, TypesLength: uint64(len(types))}
	copy(h.Program[:], fmt.Sprintf("p%d", pid))
	at := f.add("Pool", 0, &h)
	h.Types = pool.Addr(f.add("Pool", 0, types))
	f.put(at, &h)
	return f
}

// fakeNow is the moment of every fake target: tick 1e9 of its processes, which have
// 1e9 a second.
var fakeNow = time.Unix(1700000000, 0)

func encode(v any) []byte {
	if b, ok := v.([]byte); ok {
		return b
	}
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// add writes a block and returns the address of its body.
func (f *fakePool) add(tag string, owner uint64, v any) uint64 {
	body := encode(v)
	size := (blockHead + len(body) + 63) &^ 63
	if len(f.extents) == 0 || f.tail+size > pool.ExtentSize {
		f.extents = append(f.extents, make([]byte, pool.ExtentSize))
		f.tail = extentHead
	}
	i := len(f.extents) - 1
	at := f.tail
	f.tail += size
	e := f.extents[i]
	copy(e[at:], encode(&pool.BlockHeader{Magic: pool.BlockMagic, Size: uint32(size), Tag: pool.Tag([]byte(tag)), State: pool.BlockAllocated, Owner: pool.Addr(owner), Sequence: 1}))
	copy(e[at+blockHead:], body)
	copy(e, encode(&pool.ExtentHeader{Magic: pool.ExtentMagic, Pool: f.pid, Index: uint32(i), Size: pool.ExtentSize, Tail: uint64(f.tail)}))
	return uint64(f.pid)<<40 | uint64(i*pool.ExtentSize+at+blockHead)
}

// put writes v over a body.
func (f *fakePool) put(addr uint64, v any) {
	off := addr & (1<<40 - 1)
	copy(f.extents[off/pool.ExtentSize][off%pool.ExtentSize:], encode(v))
}

// finish writes how many extents there are, and gives the pool to a View.
func (f *fakePool) finish() *lpcpool.Pool {
	ex := map[uint32]lpcpool.Bytes{}
	for i, e := range f.extents {
		ex[uint32(i)] = lpcpool.Raw(e)
	}
	return &lpcpool.Pool{Number: f.pid, Process: target.Process{ID: f.pid, Image: fmt.Sprintf("p%d", f.pid)}, Extents: ex}
}

// A fakeTarget is pools in memory.
type fakeTarget struct{ *lpcpool.View }

var _ target.Target = fakeTarget{}

func newFakeTarget(pools ...*fakePool) fakeTarget {
	var list []*lpcpool.Pool
	for _, f := range pools {
		list = append(list, f.finish())
	}
	return fakeTarget{lpcpool.New(list)}
}

func (fakeTarget) Describe() string { return "pools that a test wrote" }
func (fakeTarget) Now() time.Time   { return fakeNow }
func (fakeTarget) Close() error     { return nil }

// port adds a connection port with a name, which may run so many handlers.
func (f *fakePool) port(name string, limit uint32) uint64 {
	p := pool.PortObject{Flags: pool.PortConnection, ServerProcess: uint64(f.pid), HandleCount: 1, PointerCount: 1, MaxWorkers: limit}
	at := f.add("Port", 0, &p)
	p.ConnectionPort = pool.Addr(at)
	p.Name, p.NameLength = pool.Addr(f.add("Port", at, []byte(name))), uint64(len(name))
	for _, l := range []struct {
		e   *pool.ListEntry
		off uint64
	}{{&p.MsgQueue.ReceiveHead, 0x20}, {&p.LpcReplyChainHead, 0xb8}, {&p.LpcDataInfoChainHead, 0xc8}} {
		l.e.Flink, l.e.Blink = pool.Addr(at+l.off), pool.Addr(at+l.off)
	}
	f.put(at, &p)
	return at
}

// connect adds the two ends of a connection from a process to a port of another.
func connect(client, server *fakePool, port, channel uint64) (clp, scp uint64) {
	c := pool.PortObject{Flags: pool.PortClientComm, Channel: channel, PeerProcess: uint64(server.pid), HandleCount: 1, PointerCount: 1, Handle: 4}
	clp = client.add("Port", 0, &c)
	s := pool.PortObject{Flags: pool.PortServerComm, Channel: channel, PeerProcess: uint64(client.pid), ConnectionPort: pool.Addr(port), HandleCount: 1, PointerCount: 1}
	scp = server.add("Port", 0, &s)
	return clp, scp
}

// call adds a thread of client that waits for message id, and the message at the
// server. It returns the message's address. parent is the message that the client's
// handler serves, and its id.
func call(client, server *fakePool, clp, scp, channel uint64, id uint32, state uint32, parent uint64, parentID uint32) (thread, message uint64) {
	tid := uint64(wire.FirstSyntheticThread + int(id))
	th := pool.Thread{
		Cid: wire.ClientID{UniqueProcess: uint64(client.pid), UniqueThread: tid}, LpcWaitingOnPort: pool.Addr(clp), LpcReplyMessageID: id,
		WaitReason: pool.WaitLpcReply, WaitStart: uint64(id) * 1000, WaitChannel: channel, WaitGeneration: uint64(id), WaitSlot: id % 128,
		Parent: pool.Addr(parent), ParentID: parentID, ParentKnown: 1, CallArguments: [4]uint64{4, uint64(id), 8, 0},
	}
	copy(th.CallName[:], "Conn.Call")
	m := pool.Message{
		SenderPort: pool.Addr(scp), Channel: channel, Generation: uint64(id), Slot: id % 128, State: state, ReceiveTime: uint64(id)*1000 + 1, ServeTime: uint64(id)*1000 + 2,
		Request: wire.PortMessage{DataLength: 8, TotalLength: 8 + wire.HeaderSize, Type: wire.TypeRequest, MessageID: id, ClientID: th.Cid},
	}
	return client.add("Thre", 0, &th), server.add("LpcM", 0, &m)
}
