package robust

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/wire"
)

// FuzzChannel overwrites a channel between the steps of both its ends. Neither
// panics, leaves the memory, or hangs: it serves on, or says what the violation
// was.
//
// Each step takes 8 bytes of input: what to do, a place, and a value.
func FuzzChannel(f *testing.F) {
	step := func(what byte, at uint16, value uint32) []byte {
		b := []byte{what, 0}
		b = binary.LittleEndian.AppendUint16(b, at)
		return binary.LittleEndian.AppendUint32(b, value)
	}
	join := func(steps ...[]byte) (all []byte) {
		for _, s := range steps {
			all = append(all, s...)
		}
		return all
	}
	call, serve, finish, gram := step(0, 0, 5), step(1, 0, 0), step(2, 0, 0), step(3, 0, 7)
	f.Add(join(call, serve, finish, gram, serve, call, serve, finish))
	f.Add(join(call, call, step(4, 0, 0), serve, serve, finish, call, serve))
	for _, d := range []direction{toServer, toClient} {
		for _, at := range []int{d.lines + lineSleep, d.lines + lineRoom, d.lines + lineState, d.lines + lineHead, d.lines + lineCells, d.lines + lineTail, d.ring, d.hints, d.slots, d.slots + msgData, d.slots + infoBase, d.cells + msgData} {
			f.Add(join(call, step(5, uint16(at/4), 0xffffffff), serve, finish, step(5, uint16(at/4), 1), call, serve, finish, gram, serve))
			f.Add(join(step(5, uint16(at/4), 0x80000000), call, gram, serve, step(6, uint16(at/4), 0x11000), serve, finish, finish))
		}
	}
	f.Add(join(step(5, uint16(toServer.ring/4), 1<<16|1<<12|5), serve))
	f.Add(join(step(7, 0, 0), call, serve, step(7, 0, 0), finish))
	f.Fuzz(fuzzChannel)
}

// ends are both ends of a channel, and a third mapping that writes into it.
type ends struct {
	t         *testing.T
	out       *channel.Caller
	in        *channel.Receiver
	mem       *raw
	message   channel.Message
	inSlots   []int // requests posted
	taken     []channel.Message
	cancelled context.Context
	over      bool // a violation has ended it
}

func fuzzChannel(t *testing.T, input []byte) {
	client, fd, err := channel.Create(1)
	if err != nil {
		t.Fatal(err)
	}
	server, err := channel.Open(fd)
	if err != nil {
		t.Fatal(err)
	}
	mem, err := unix.Mmap(fd, 0, channel.Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	_ = unix.Close(fd)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e := &ends{t: t, mem: &raw{mem: mem}, cancelled: ctx}
	e.out = channel.NewCaller(client, false, true, func() {})
	e.in = channel.NewReceiver(server, true, true, func() {})
	e.message.Header, e.message.Data = new(wire.PortMessage), new([wire.MaxInline]byte)
	for ; len(input) >= 8 && !e.over; input = input[8:] {
		e.step(input[0]%8, int(binary.LittleEndian.Uint16(input[2:]))*4%channel.Size, binary.LittleEndian.Uint32(input[4:]))
	}
	// What waits still ends, as it does at the connection's.
	down := errors.New("down")
	e.out.Down(down)
	for _, s := range e.inSlots {
		if err := e.out.Wait(context.Background(), s, false, nil, new(uint64)); err == nil {
			var r channel.Result
			_ = e.out.Result(s, &r)
			e.out.Release(s)
		}
	}
	e.out.Quiesce()
	e.out.Cleanup()
	_ = client.Unmap()
	_ = server.Unmap()
	_ = unix.Munmap(mem)
}

func (e *ends) step(what byte, at int, value uint32) {
	switch what {
	case 0: // a call begins
		s, _, err := e.out.Take(e.cancelled)
		if err != nil {
			if !errors.Is(err, context.Canceled) && !errors.Is(err, channel.ErrSlotsHeld) && e.out.Err() == nil {
				e.t.Fatalf("Take: %v", err)
			}
			return
		}
		e.out.Post(s, &channel.Request{MessageID: 1, Data: make([]byte, value%(wire.MaxInline+1))})
		e.inSlots = append(e.inSlots, s)
	case 1: // the receiver takes what is there
		ok, err := e.in.Next(&e.message)
		if e.ended("Next", err); ok {
			if e.message.Length > wire.MaxInline || e.message.Slot >= 127 {
				e.t.Fatalf("Next lets through %+v", e.message)
			}
			if e.message.Reply {
				e.taken = append(e.taken, e.message)
			}
		}
		e.in.Publish()
	case 2: // the oldest request is answered, its caller reads the reply
		if len(e.taken) > 0 {
			m := e.taken[0]
			e.taken = e.taken[1:]
			err := e.in.Reply(m.Slot, m.Gen, wire.StatusOK, &channel.Request{Data: make([]byte, value%(wire.MaxInline+1))})
			if !errors.Is(err, channel.ErrAbandoned) {
				e.ended("Reply", err)
			}
		}
		e.wait(context.Background())
	case 3: // a datagram, if there is room
		if err := e.out.Send(e.cancelled, &channel.Request{Data: make([]byte, value%(wire.MaxInline+1))}); err != nil && !errors.Is(err, context.Canceled) && e.out.Err() == nil {
			e.t.Fatalf("Send: %v", err)
		}
	case 4: // the oldest call is given up
		e.wait(e.cancelled)
	case 5:
		e.mem.put32(at, value)
	case 6:
		e.mem.put32(at, e.mem.get32(at)^value)
	case 7:
		_ = unix.Madvise(e.mem.mem[at&^4095:at&^4095+4096], unix.MADV_REMOVE)
	}
}

func (r *raw) get32(at int) uint32 { return binary.LittleEndian.Uint32(r.mem[at:]) }

// wait waits for the reply of the oldest call; without one it gives it up.
func (e *ends) wait(ctx context.Context) {
	if len(e.inSlots) == 0 {
		return
	}
	s := e.inSlots[0]
	e.inSlots = e.inSlots[1:]
	ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	err := e.out.Wait(ctx, s, false, nil, new(uint64))
	switch {
	case err == nil:
		var r channel.Result
		if err := e.out.Result(s, &r); err == nil {
			var b [wire.MaxInline]byte
			e.out.Inline(s, b[:], r.Length)
		}
		e.out.Release(s)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
	default:
		e.ended("Wait", err)
	}
}

// ended notes a violation; any other error is a defect.
func (e *ends) ended(what string, err error) {
	var v *channel.Violation
	switch {
	case err == nil:
	case errors.As(err, &v) && v.What != "":
		e.over = true
	default:
		e.t.Fatalf("%s: %v", what, err)
	}
}
