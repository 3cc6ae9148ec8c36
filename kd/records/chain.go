package records

import (
	"context"
	"fmt"
)

// ReplyPort is the port in whose reply chain a thread stands that waits for a reply:
// for a request of a client its server's end, for one of the server the client's,
// for a connector the connection port. nil: it stands in none.
//
// In NT the chain runs through threads to the port that holds its head. Our threads
// are on no chain, since no link leaves a process's memory: the connection names the
// other end.
func (w *World) ReplyPort(ctx context.Context, t *Thread) (port *Port, err error) {
	if w.Ours(t.Addr) {
		if t.Reply == 0 {
			return nil, nil
		}
		p := w.PortAt[t.Port]
		if p == nil {
			return nil, nil
		}
		if o := p.Other(); o != nil {
			return o, nil
		}
		return p, nil // as much as can be seen
	}
	if c, known := w.chains[t.Addr]; known {
		return c.port, c.err
	}
	port, err = w.ntReplyPort(ctx, t)
	if ctx.Err() == nil {
		w.chains[t.Addr] = replyChain{port, err}
	}
	return port, err
}

// replyChain is what following a thread's reply chain gave.
type replyChain struct {
	port *Port
	err  error
}

// ntReplyPort follows a thread's reply chain to the port that holds its head. Damaged
// chains may run into one another without a port: none is followed twice.
func (w *World) ntReplyPort(ctx context.Context, t *Thread) (port *Port, err error) {
	chain, ok := w.Offset(t.Addr, "_ETHREAD", "LpcReplyChain")
	head, ok2 := w.Offset(t.Addr, "_LPCP_PORT_OBJECT", "LpcReplyChainHead")
	if !ok || !ok2 {
		return nil, nil
	}
	sys := w.T.System()
	var links []uint64
	again := false
	err = w.Walk(ctx, t.Addr+chain, func(entry uint64) bool {
		links = append(links, entry)
		if again = w.noPort[entry]; again {
			return false
		}
		if port = w.PortAt[entry-head]; port != nil {
			return false
		}
		o, err := sys.Object(entry - head)
		if err == nil && (o.Type == "Port" || o.Type == "WaitablePort") {
			port, _ = w.AddPort(o)
		}
		return port == nil
	})
	if port != nil || ctx.Err() != nil {
		return port, err
	}
	for _, entry := range links {
		w.noPort[entry] = true
	}
	n := len(links)
	switch {
	case again:
		err = fmt.Errorf("walking the list at %#x: after %d entries it runs into another one, at %#x, which leads to no port", t.Addr+chain, n, links[n-1])
	case err == nil && n > 0:
		err = fmt.Errorf("walking the list at %#x: it comes back after %d entries, none of which is a port's", t.Addr+chain, n)
	}
	return nil, err
}
