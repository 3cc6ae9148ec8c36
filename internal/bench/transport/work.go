package transport

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/internal/bench/loops"
)

// Op is the first byte of a request: the work that the server does for it.
type Op byte

// The work a server knows.
const (
	OpEcho     Op = iota + 1 // the reply is the request
	OpShort                  // the reply is 8 bytes of the request: its number
	OpSum                    // sum every byte; the reply is the request, the sum in it
	OpSumShort               // sum every byte; the reply is the sum, 8 bytes
	OpCount                  // the reply is the number of datagrams so far, 8 bytes
	OpWhere                  // the reply is the number of the server's CPU, 8 bytes
	OpNothing                // no byte of the request is read; the reply is its number, 8 bytes
	OpLate                   // WaitTime passes; the reply is the request
)

// A request starts with its Op, and has its number at [8:16], which an echo
// brings back. In the reply to OpSum the sum stands there instead.
const (
	HeaderBytes = 16 // the smallest request; all are multiples of 8
	ShortBytes  = 8  // of a short reply
	numberAt    = 8
)

// WaitTime is how long the server of an OpLate works before it answers: longer than a call
// takes that is answered at once, so that its caller waits.
const WaitTime = 5 * time.Microsecond

// workOn takes WaitTime. It gives the processor to nobody, as a server that works does not.
func workOn() {
	for start := time.Now(); time.Since(start) < WaitTime; {
	}
}

// SetHeader writes the first HeaderBytes of a request.
func SetHeader(req []byte, op Op, number uint64) {
	req[0] = byte(op)
	binary.LittleEndian.PutUint64(req[numberAt:], number)
}

// Number returns the number, or sum, in a reply of either length.
func Number(reply []byte) uint64 {
	if len(reply) >= HeaderBytes {
		return binary.LittleEndian.Uint64(reply[numberAt:])
	}
	if len(reply) == ShortBytes {
		return binary.LittleEndian.Uint64(reply)
	}
	return 0
}

// worker does a server's work, for all its connections.
type worker struct {
	datagrams atomic.Uint64
}

// answer does what req asks for and leaves the reply in its first n bytes. A
// request that makes no sense is answered with nothing.
func (w *worker) answer(req []byte) (n int) {
	if !sane(req) {
		return 0
	}
	switch Op(req[0]) {
	case OpEcho:
		return len(req)
	case OpShort, OpNothing:
		return copy(req, req[numberAt:numberAt+ShortBytes])
	case OpLate:
		workOn()
		return len(req)
	case OpSum:
		binary.LittleEndian.PutUint64(req[numberAt:], loops.Sum(req))
		return len(req)
	case OpSumShort:
		binary.LittleEndian.PutUint64(req, loops.Sum(req))
		return ShortBytes
	case OpCount:
		binary.LittleEndian.PutUint64(req, w.datagrams.Load())
		return ShortBytes
	case OpWhere:
		binary.LittleEndian.PutUint64(req, CPU())
		return ShortBytes
	}
	return 0
}

// sane tells whether req has a header and a length that the loops take.
func sane(req []byte) bool { return len(req) >= HeaderBytes && len(req)%8 == 0 }

// plainView is a View for systems that build requests in ordinary memory.
type plainView struct {
	conn  Conn
	bytes []byte
	reply []byte
}

func newPlainView(c Conn, n int) *plainView {
	return &plainView{conn: c, bytes: make([]byte, n), reply: make([]byte, n)}
}

func (v *plainView) Bytes() []byte { return v.bytes }

func (v *plainView) Call(ctx context.Context) ([]byte, error) {
	n, err := v.conn.Call(ctx, v.bytes, v.reply)
	return v.reply[:n], err
}

func (v *plainView) InPlace() bool { return false }

func (v *plainView) Close() error { return nil }
