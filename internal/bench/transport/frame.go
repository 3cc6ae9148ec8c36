package transport

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
)

// The framing of the raw socket: a little-endian u32, the length of what
// follows, its top bit set for a datagram.
const (
	frameHeader  = 4
	oneWay       = 1 << 31
	maxFrame     = 1 << 30
	readBuffer   = 8 << 10 // the one read buffer of a connection
	gatherAbove  = 16 << 10
	keptPerFrame = 4 << 10 // larger frames borrow memory while they are served
)

// frames reads and writes frames on one connection. One goroutine may read
// while another writes.
type frames struct {
	conn net.Conn
	in   *bufio.Reader
	head [frameHeader]byte // of the frame being read
	out  []byte            // header and payload of a small frame being written
	vec  [2][]byte         // header and payload of a large one
}

func newFrames(c net.Conn) *frames {
	return &frames{conn: c, in: bufio.NewReaderSize(c, readBuffer)}
}

// next reads a frame's header.
func (f *frames) next() (n int, datagram bool, err error) {
	if _, err := io.ReadFull(f.in, f.head[:]); err != nil {
		return 0, false, err
	}
	word := binary.LittleEndian.Uint32(f.head[:])
	n, datagram = int(word&^oneWay), word&oneWay != 0
	if n > maxFrame {
		return 0, false, fmt.Errorf("a frame of %d bytes, the limit is %d", n, maxFrame)
	}
	return n, datagram, nil
}

// payload reads the rest of a frame; large ones go straight to b.
func (f *frames) payload(b []byte) error {
	_, err := io.ReadFull(f.in, b)
	return err
}

// write sends b as a frame in one system call: copied behind the header if it
// is small, gathered if it is large.
func (f *frames) write(b []byte, flag uint32) error {
	if len(b) > gatherAbove {
		f.out = binary.LittleEndian.AppendUint32(f.out[:0], uint32(len(b))|flag)
		f.vec = [2][]byte{f.out, b}
		buffers := net.Buffers(f.vec[:])
		_, err := buffers.WriteTo(f.conn)
		return err
	}
	f.out = append(binary.LittleEndian.AppendUint32(f.out[:0], uint32(len(b))|flag), b...)
	_, err := f.conn.Write(f.out)
	return err
}

// writeInPlace sends frame[frameHeader:] as a frame, writing the header before
// it.
func (f *frames) writeInPlace(frame []byte) error {
	binary.LittleEndian.PutUint32(frame, uint32(len(frame)-frameHeader))
	_, err := f.conn.Write(frame)
	return err
}

// large lends memory for frames above keptPerFrame, so that an idle connection
// does not hold on to its largest message.
var large = sync.Pool{New: func() any { return new([]byte) }}

// borrow returns memory of n bytes: from kept, or lent. Give it back with
// giveBack(lent).
func borrow(n int, kept *[]byte) (b []byte, lent *[]byte) {
	from := kept
	if n > keptPerFrame+frameHeader {
		lent = large.Get().(*[]byte)
		from = lent
	}
	if cap(*from) < n {
		*from = make([]byte, n)
	}
	return (*from)[:n], lent
}

// giveBack ends a borrow; nil is nothing lent.
func giveBack(lent *[]byte) {
	if lent != nil {
		large.Put(lent)
	}
}
