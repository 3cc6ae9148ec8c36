package engine

import (
	"errors"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/internal/pool"
)

// TestAcceptAfterGivingUp: the answer comes just after the caller has given up, and freed
// the connection's record: nothing of it is written there.
func TestAcceptAfterGivingUp(t *testing.T) {
	pr, err := theProcess()
	if err != nil {
		t.Fatal(err)
	}
	c, err := newConn(pr, pool.PortClientComm, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	c.disp = newDispatcher(pr, c.rec, c.addr, 256, t.Name(), nil)
	c.disp.manual = true
	m, fd, err := channel.Create(1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Unmap() }()
	h := &handshake{c: c, max: 304, done: make(chan error, 1)}
	h.abandon()
	was := c.rec.Flags
	f := link.Frame{Kind: link.Accept, Flags: link.FlagServes | link.FlagNative | link.FlagWaitable, Value: 304, Number: 328}
	if err := h.frame(&f, fd); !errors.Is(err, errEstablished) {
		t.Fatal(err)
	}
	if c.rec.Flags != was || c.disp.event.waitable {
		t.Errorf("flags %#x are %#x after an ACCEPT that nobody waits for", was, c.rec.Flags)
	}
	c.freeRecords()
}
