package records

import (
	"cmp"
	"context"
	"fmt"
)

// Queue reads the messages that stand on a port's queue. With an error the list
// holds those in front of what could not be followed.
func (w *World) Queue(ctx context.Context, port uint64) (queue []*Message, err error) {
	err = w.queue(ctx, port, func(uint64) error { return nil }, func(m *Message) { queue = append(queue, m) })
	return queue, err
}

// queue calls f for each message on a port's queue, up to one that take refuses by its
// address or that cannot be read, of which f is told too.
func (w *World) queue(ctx context.Context, port uint64, take func(message uint64) error, f func(*Message)) error {
	r, err := w.Read(port, "_LPCP_PORT_OBJECT")
	if err != nil {
		return err
	}
	off, ok := w.Offset(port, "_LPCP_MESSAGE", "Entry")
	head := r.At("MsgQueue.ReceiveHead")
	if !ok || head == 0 {
		return nil
	}
	var owner uint64
	if p := w.PortAt[port]; p != nil {
		owner = p.Object.Process
	}
	var bad error
	err = w.Walk(ctx, head, func(entry uint64) bool {
		if bad = take(entry - off); bad != nil {
			return false
		}
		m := w.MessageAt(entry-off, owner)
		f(m)
		bad = m.Err
		return bad == nil
	})
	return cmp.Or(err, bad)
}

// Queues calls f for each message on the queue of each port, with its place there. A
// queue that cannot be followed is trouble, behind what stands before that. The error is
// the context's.
func (w *World) Queues(ctx context.Context, f func(p *Port, place int, m *Message)) error {
	return w.queues(ctx, w.Ports, f)
}

func (w *World) queues(ctx context.Context, ports []*Port, f func(p *Port, place int, m *Message)) error {
	at := places{}
	for _, p := range ports {
		ours, n := w.Ours(p.Addr), 0
		err := w.queue(ctx, p.Addr, func(m uint64) error {
			if ours {
				return nil // one of a running process can move while it is looked at
			}
			return at.take(m, p)
		}, func(m *Message) {
			f(p, n, m)
			n++
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			w.trouble("queue of the port at %#x: %w", p.Addr, err)
		}
	}
	return nil
}

// places are the ports by the messages that stand in their lists. A message stands in
// one: where the lists of many ports run into one another, each is followed up to there,
// and the work is no more than the target has memory for.
type places map[uint64]*Port

// take notes that a message stands in a port's list. The error says in whose it stands
// already.
func (l places) take(message uint64, p *Port) error {
	if other := l[message]; other != nil {
		return fmt.Errorf("the message at %#x stands in the list of the port at %#x too", message, other.Addr)
	}
	l[message] = p
	return nil
}
