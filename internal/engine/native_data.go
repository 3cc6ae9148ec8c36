package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/wire"
)

// A DataRange is memory of a sender that the receiver may read and write while the
// sender waits: an entry of NT's data-info array, as it stood when it was sent.
type DataRange struct{ Base, Length uint64 }

// Offsets in a data-info array (lpc reference c.3, 64 bits).
const (
	dataInfoEntries = 8
	dataInfoEntry   = 16
)

// DataInfoSize is how many bytes an array of n entries has.
func DataInfoSize(n int) int { return dataInfoEntries + n*dataInfoEntry }

// captureRanges copies the array that q's header names. The caller has checked that it
// stands inside the message.
func captureRanges(q *Native) []DataRange {
	b := q.Body[q.DataInfoOffset-wire.HeaderSize:]
	list := make([]DataRange, binary.LittleEndian.Uint32(b))
	for i := range list {
		e := b[dataInfoEntries+i*dataInfoEntry:]
		list[i] = DataRange{binary.LittleEndian.Uint64(e), binary.LittleEndian.Uint64(e[8:])}
	}
	return list
}

// Operations on a sender's memory, carried out by its own process.
const (
	pageBytes = 4096

	dataRequestSize = 32 // op u32, index u32, bytes u64, section address u64, 0
)

// Codes of a data operation that failed.
const (
	DataMismatch  = 1 // the sender does not wait any more
	DataParameter = 2 // no such entry, or it is shorter
	DataFault     = 3 // and more: the memory cannot be touched after so many bytes
)

// A PartialCopy is a data operation that stopped at memory which cannot be touched.
type PartialCopy struct{ Done int } // bytes copied before it

func (e *PartialCopy) Error() string {
	return fmt.Sprintf("%d bytes were copied, and then memory that cannot be touched", e.Done)
}

// dataTime bounds how long a thread waits for a sender's process to copy n bytes, which
// may have to come from a disk: a second, and one for each 4 MiB. A sender whose process
// takes longer is taken not to wait any more.
func dataTime(n int) time.Duration { return time.Second + time.Duration(n)*(time.Second/(4<<20)) }

// CopyData reads or writes memory that the sender of u listed: entry index, from its start,
// as many bytes as buf has. The sender's process does it, and it must still wait:
// ErrMismatch where it does not, or takes longer than dataTime. A failure is a
// HandlerError with one of the codes above.
func (t *Thread) CopyData(u Use, write bool, index uint32, buf []byte) error {
	if err := t.begin(); err != nil {
		return err
	}
	defer t.leave()
	c := u.C
	if !u.Live() {
		return ErrMismatch
	}
	ctx, cancel := context.WithTimeoutCause(t.ctx, dataTime(len(buf)), ErrMismatch)
	defer cancel()
	r, err := c.sections.acquire(ctx, c, max(len(buf), 1), c.tag)
	if err != nil {
		return err
	}
	op := uint32(controlRead)
	if write {
		op = controlWrite
		if err := section.Guard(func() { section.Copy(r.bytes(), buf) }); err != nil {
			r.Release()
			return err
		}
	}
	var b [dataRequestSize]byte
	binary.LittleEndian.PutUint32(b[:], op)
	binary.LittleEndian.PutUint32(b[4:], index)
	binary.LittleEndian.PutUint64(b[8:], uint64(len(buf)))
	binary.LittleEndian.PutUint64(b[16:], wire.SectionAddress(r.number, 0))
	answered, err := c.controlCall(ctx, u, b[:], r)
	if !answered {
		return err // r is given back when the sender's process is done with it
	}
	defer r.Release()
	n := len(buf)
	var failed *HandlerError
	if errors.As(err, &failed) && failed.Code >= DataFault {
		n = min(failed.Code-DataFault, len(buf))
		err = &PartialCopy{n}
	} else if err != nil {
		return err
	}
	if !write {
		if e := section.Guard(func() { section.Copy(buf[:n], r.bytes()[:n]) }); e != nil {
			return e
		}
	}
	return err
}

// serveData carries such an operation out in the sender's process.
func (u Use) serveData() {
	code, text := u.M.copyData()
	if code != 0 {
		_ = u.Fail(code, text)
		return
	}
	_ = u.status(wire.StatusOK)
}

func (m *Message) copyData() (code int, text string) {
	if m.in.Length != dataRequestSize {
		return DataParameter, "a data operation of another size"
	}
	le := binary.LittleEndian
	op, index, n, at := le.Uint32(m.rec.Data[:]), le.Uint32(m.rec.Data[4:]), le.Uint64(m.rec.Data[8:]), le.Uint64(m.rec.Data[16:])
	t := localThread(uint64(m.in.Extra))
	if t == nil {
		return DataMismatch, "the sender is gone"
	}
	r, off, err := m.conn.sections.find(at, n)
	if err != nil {
		m.conn.ready() // it is on its way on the socket
		if r, off, err = m.conn.sections.find(at, n); err != nil {
			return DataParameter, err.Error()
		}
	}
	t.mu.Lock() // it does not return from its call while its memory is touched
	defer t.mu.Unlock()
	if t.rangesOf != m.conn || t.rangesID != m.rec.Request.MessageID {
		return DataMismatch, "the sender does not wait"
	}
	if int64(index) >= int64(len(t.ranges)) || n > t.ranges[index].Length {
		return DataParameter, "no such range"
	}
	ours, base := r.bytes()[off:off+n], t.ranges[index].Base
	for done := uint64(0); done < n; { // by pages of the sender's, so that it is known how far it came
		part := min(pageBytes-(base+done)%pageBytes, n-done)
		if !copyAt(base+done, ours[done:done+part], op == controlWrite) {
			return DataFault + int(done), "the memory cannot be touched"
		}
		done += part
	}
	return 0, ""
}

// CallbackID is the message's CallbackId, 0 if it is no callback.
func (u Use) CallbackID() uint64 { return u.M.rec.Request.CallbackID }

// HasData tells whether the message has a data-info array.
func (u Use) HasData() bool { return uint16(u.M.in.Extra) != 0 }

// chainData puts a received message with a data-info array on its port's chain, where a
// debugger looks for it. d.mu is held.
func (d *dispatcher) chainData(m *Message) {
	if uint16(m.in.Extra) != 0 && m.in.Reply && m.conn != nil {
		d.proc.pool.InsertTail(m.conn.addr+portDataInfo, m.addr)
	}
}
