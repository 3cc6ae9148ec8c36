package channel

import (
	"fmt"
	"sync/atomic"

	"github.com/seed-eedd8485/lpc/internal/failpoint"
	"github.com/seed-eedd8485/lpc/wire"
)

// A Result is a reply's header as copied out of its slot.
type Result struct {
	Status  wire.Status
	Length  int  // bytes of inline data, checked
	HasInfo bool // larger data: Info tells where, not yet checked against the sections
	Info    wire.DataInfo
}

// Result copies the header of the reply in slot s out and checks the copy. The
// caller holds the slot and Wait has returned nil for it.
func (c *Caller) Result(s int, r *Result) error {
	failpoint.At(failpoint.ReplySeen)
	sl := c.slot(s)
	m := sl.meta()
	c.spin.see(m.cpu())
	if err := m.check(); err != nil {
		return fmt.Errorf("reply in slot %d: %w", s, err)
	}
	r.Status, r.Length, r.HasInfo = m.status(), m.length(), m.info()
	if r.HasInfo {
		r.Info = getDataInfo(&sl.Data)
	}
	return nil
}

// Sender is who wrote the reply in slot s, as it says itself, and the high half of the
// word with the CallbackId. The caller holds the slot and Wait has returned nil for it.
func (c *Caller) Sender(s int) (thread, extra uint32) {
	sl := c.slot(s)
	return uint32(atomic.LoadUint64(&sl.Sender) >> 32), uint32(atomic.LoadUint64(&sl.Callback) >> 32)
}

// Inline copies the reply's inline data, n bytes as Result told, to dst.
func (c *Caller) Inline(s int, dst []byte, n int) int { return copy(dst, c.slot(s).Data[:n]) }

// Consumed tells the peer that a reply which stands in its section was read, so
// that it may use that memory again. Replies without a section do not need it.
func (c *Caller) Consumed(s int) {
	StoreRelease64(&c.slot(s).Word, c.own(s).gen<<genShift|stFree)
}
