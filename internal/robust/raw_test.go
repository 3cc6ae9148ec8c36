package robust

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/namespace"
)

// A raw is one end of a connection without the library: a socket, and the
// channel's memory. It writes what it likes.
type raw struct {
	fd  int
	mem []byte

	pos  uint32      // ring entries written
	gens [128]uint64 // of its slots
	d    *direction  // in which it calls
}

// A direction says where the parts of one direction stand in the channel
// (PROTOCOL.md), written down here once more: these tests are its other reader.
type direction struct {
	lines, ring, hints, slots, cells, nslots int
}

var (
	toServer = direction{lines: 0x080, ring: 0x280, hints: 0x680, slots: 0x880, cells: 0xd000, nslots: 127}
	toClient = direction{lines: 0x180, ring: 0x19000, hints: 0x19400, slots: 0x19600, cells: 0x20000, nslots: 64}
)

// Offsets in the lines of a direction, in a slot or cell, and in a frame.
const (
	lineSleep, lineRoom, lineState, lineHead, lineCells, lineTail = 0, 4, 0x40, 0x80, 0x84, 0xc0

	slotSize                                                    = 0x180
	slotWord, slotCPU, slotPlace, slotStatus                    = 0, 8, 10, 10
	msgData, msgFlags, msgID, msgCallback                       = 12, 14, 16, 24
	slotData, infoCount, infoBase, infoLength                   = 32, 32, 40, 48
	waiting, done, abandoned, lost, detached                    = 1, 2, 3, 4, 5
	frameConnect, frameAccept, frameRefuse, frameGrow           = 1, 2, 3, 4
	frameSection, frameDeny, frameClose                         = 5, 6, 7
	frameKind, frameReason, frameFlags, frameVersion, frameText = 4, 5, 6, 8, 10
	frameNumber, frameSectionNo, frameValue, frameHead          = 12, 16, 24, 40
)

// frame is a well-formed frame.
func frame(kind byte, value uint64, text string) []byte {
	b := make([]byte, frameHead, frameHead+len(text))
	binary.LittleEndian.PutUint32(b, 0x3143504c)
	b[frameKind], b[frameVersion] = kind, 1
	binary.LittleEndian.PutUint16(b[frameText:], uint16(len(text)))
	binary.LittleEndian.PutUint64(b[frameValue:], value)
	return append(b, text...)
}

// with puts a number into a frame; its size is that of the value.
func with[T uint8 | uint16 | uint32 | uint64](b []byte, at int, v T) []byte {
	switch v := any(v).(type) {
	case uint8:
		b[at] = v
	case uint16:
		binary.LittleEndian.PutUint16(b[at:], v)
	case uint32:
		binary.LittleEndian.PutUint32(b[at:], v)
	case uint64:
		binary.LittleEndian.PutUint64(b[at:], v)
	}
	return b
}

// rawDial connects a socket and says nothing. Reading from it blocks, at most as
// long as what hangs.
func rawDial(name string) (*raw, error) {
	n, err := namespace.Parse(name)
	if err != nil {
		return nil, err
	}
	fd, err := namespace.Connect(context.Background(), n)
	if err != nil {
		return nil, err
	}
	return newRaw(fd), nil
}

func newRaw(fd int) *raw {
	_ = unix.SetNonblock(fd, false)
	limit := unix.NsecToTimeval(int64(hangs))
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit)
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit)
	return &raw{fd: fd, pos: 256}
}

// rawConnect is a client that has shaken hands. It serves callbacks, or so it says.
func rawConnect(name string) (*raw, error) {
	r, err := rawDial(name)
	if err != nil {
		return nil, err
	}
	r.d = &toServer
	err = r.send(with(frame(frameConnect, 1<<30, ""), frameFlags, uint16(1)))
	if err == nil {
		var b []byte
		var fds []int
		if b, fds, err = r.read(); err == nil {
			defer closeAll(fds)
			if b[frameKind] != frameAccept || len(fds) != 1 {
				err = fmt.Errorf("frame of kind %d with %d descriptors, want ACCEPT with one", b[frameKind], len(fds))
			} else {
				r.mem, err = unix.Mmap(fds[0], 0, channel.Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			}
		}
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func mustConnect(t testing.TB, name string) *raw {
	t.Helper()
	r, err := rawConnect(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}

func (r *raw) close() {
	if r.fd >= 0 {
		_ = unix.Close(r.fd)
		r.fd = -1
	}
	if r.mem != nil {
		_ = unix.Munmap(r.mem)
		r.mem = nil
	}
}

func (r *raw) send(b []byte, fds ...int) error {
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	for {
		if err := unix.Sendmsg(r.fd, b, oob, nil, unix.MSG_NOSIGNAL); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (r *raw) bell() { _ = r.send([]byte{0}) }

var errEnd = errors.New("end of the socket")

// read reads one frame; bells are passed over.
func (r *raw) read() ([]byte, []int, error) {
	b, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(4*16))
	for {
		n, oobn, _, _, err := unix.Recvmsg(r.fd, b, oob, unix.MSG_CMSG_CLOEXEC)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNRESET): // once, before what is left to read
			continue
		case err != nil:
			return nil, nil, err
		case n == 0:
			return nil, nil, errEnd
		case n == 1:
			continue
		}
		var fds []int
		if msgs, err := unix.ParseSocketControlMessage(oob[:oobn]); err == nil {
			for i := range msgs {
				d, _ := unix.ParseUnixRights(&msgs[i])
				fds = append(fds, d...)
			}
		}
		return b[:n], fds, nil
	}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}

// farewell reads to the end of the socket and returns the CLOSE frame's reason and
// text.
func (r *raw) farewell() (reason byte, text string, err error) {
	for {
		b, fds, err := r.read()
		closeAll(fds)
		switch {
		case errors.Is(err, errEnd):
			return reason, text, nil
		case err != nil:
			return 0, "", err
		case len(b) >= frameHead && (b[frameKind] == frameClose || b[frameKind] == frameRefuse):
			reason, text = b[frameReason], string(b[frameHead:])
		}
	}
}

func (r *raw) put16(at int, v uint16) { binary.LittleEndian.PutUint16(r.mem[at:], v) }
func (r *raw) put32(at int, v uint32) { atomic.StoreUint32(r.word32(at), v) }
func (r *raw) put64(at int, v uint64) { atomic.StoreUint64(r.word64(at), v) }

// slot and cell are where a slot, or a cell, of the own direction begins.
func (r *raw) slot(i int) int { return r.d.slots + i*slotSize }
func (r *raw) cell(i int) int { return r.d.cells + i*slotSize }

// message writes a header and data as a peer that follows the protocol does.
func (r *raw) message(at int, data string) {
	r.put16(at+msgData, uint16(len(data)))
	r.put16(at+msgFlags, 0)
	r.put32(at+msgID, 77)
	copy(r.mem[at+slotData:], data)
}

// dataInfo makes a message's data stand elsewhere.
func (r *raw) dataInfo(at int, base, n uint64) {
	r.put16(at+msgData, 24)
	r.put16(at+msgFlags, 1)
	r.put64(at+infoCount, 1)
	r.put64(at+infoBase, base)
	r.put64(at+infoLength, n)
}

// request writes a request into slot i and does not publish it.
func (r *raw) request(i int, data string) (at int) {
	at = r.slot(i)
	r.gens[i]++
	r.message(at, data)
	r.put64(at+slotWord, r.gens[i]<<3|waiting)
	return at
}

// publish tells a slot its place in the ring, without which nobody takes what stands
// in it, writes the ring entry and rings.
func (r *raw) publish(kind, index int) {
	if kind != 2 && index < r.d.nslots {
		r.put16(r.slot(index)+slotPlace, uint16(r.pos))
	}
	r.entry(r.pos>>8<<16 | uint32(kind)<<12 | uint32(index))
}

func (r *raw) entry(e uint32) {
	r.put32(r.d.ring+int(r.pos%256)*4, e)
	r.pos++
	r.bell()
}

// hungUp tells whether the other end has closed its socket.
func (r *raw) hungUp() bool {
	p := []unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLRDHUP}}
	n, _ := unix.Poll(p, 0)
	return n > 0 && p[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
}
