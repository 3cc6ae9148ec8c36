package lintest

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/seed-eedd8485/lpc"
)

// An operation is one call as its client saw it.
type operation struct {
	Op         byte
	Key        uint32
	A, B       uint64
	Out        uint64
	Unknown    bool // cancelled: it may have happened at any time after Start, or never
	Start, End int64
	Client     int
}

// largest is more than a slot holds: such a message goes through a section.
const largest = 500

// dial makes a client's connections.
func (c *config) dial(ctx context.Context) (conns []*lpc.Conn, err error) {
	conns = make([]*lpc.Conn, c.Conns)
	for i := range conns {
		if conns[i], err = lpc.Dial(ctx, c.Name, nil); err != nil {
			return nil, err
		}
	}
	return conns, nil
}

// call is the client: it makes calls and says what it saw.
func call(c *config) error {
	if c.Native {
		return callNative(c)
	}
	ctx := context.Background()
	conns, err := c.dial(ctx)
	if err != nil {
		return err
	}
	all := make([][]operation, c.Goroutines)
	errs := make([]error, c.Goroutines)
	var wg sync.WaitGroup
	for g := range c.Goroutines {
		wg.Go(func() {
			caller := &caller{config: c, conn: conns[g%c.Conns], id: c.ID*c.Goroutines + g, rnd: rand.New(rand.NewPCG(uint64(c.ID), uint64(g)))}
			all[g], errs[g] = caller.run(ctx)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return printed(all)
}

// printed says what all goroutines saw.
func printed(all [][]operation) error {
	out := bufio.NewWriter(os.Stdout)
	enc := json.NewEncoder(out)
	for _, ops := range all {
		for i := range ops {
			if err := enc.Encode(&ops[i]); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}

type caller struct {
	*config
	conn *lpc.Conn
	id   int
	rnd  *rand.Rand
	req  [largest]byte
	buf  [largest]byte
}

func (c *caller) run(ctx context.Context) (ops []operation, err error) {
	return made(c.config, c.id, c.rnd, func(o *operation) error { return c.one(ctx, o) })
}

// made makes a client's operations, each by one.
func made(c *config, id int, rnd *rand.Rand, one func(*operation) error) (ops []operation, err error) {
	seen := map[uint32]uint64{}
	for n := range c.Ops {
		o := operation{Op: opGet, Key: uint32(rnd.IntN(c.Keys)), Client: id}
		unique := uint64(id+1)<<32 | uint64(n+1)
		switch d := rnd.IntN(10); {
		case d < 3:
			o.Op, o.A = opPut, unique
		case d < 6:
			o.Op, o.A, o.B = opCas, seen[o.Key], unique
		}
		if err := one(&o); errors.Is(err, lpc.ErrQueueFull) {
			continue // it was not sent
		} else if err != nil {
			return nil, err
		}
		if !o.Unknown {
			switch {
			case o.Op == opGet:
				seen[o.Key] = o.Out
			case o.Op == opPut:
				seen[o.Key] = o.A
			case o.Out == 1:
				seen[o.Key] = o.B
			}
		}
		ops = append(ops, o)
	}
	return ops, nil
}

// one makes one call.
func (c *caller) one(ctx context.Context, o *operation) error {
	r := request{Op: o.Op, Key: o.Key, A: o.A, B: o.B}
	if c.Slow != 0 && c.rnd.IntN(c.Slow) == 0 {
		r.Slow = uint32(20_000 + c.rnd.IntN(300_000))
	}
	large := c.rnd.IntN(8) == 0
	cancelled := c.Cancel != 0 && c.rnd.IntN(c.Cancel) == 0
	if cancelled {
		after := time.Duration(c.rnd.IntN(60)) * time.Microsecond
		var cancel context.CancelFunc
		if c.rnd.IntN(2) == 0 {
			ctx, cancel = context.WithTimeout(ctx, after)
		} else {
			ctx, cancel = context.WithCancel(ctx)
			time.AfterFunc(after, cancel)
		}
		defer cancel()
	}
	o.Start = now()
	r.Sent = o.Start
	req := r.append(c.req[:0])
	if large {
		req = c.req[:]
	}
	n, err := c.conn.CallInto(ctx, req, c.buf[:])
	o.End = now()
	switch {
	case cancelled && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
		o.Unknown = true
		return nil
	case err != nil:
		return err
	case n != 8 && n != len(req):
		return fmt.Errorf("a reply of %d bytes to a request of %d", n, len(req))
	}
	o.Out = binary.LittleEndian.Uint64(c.buf[:])
	return nil
}

// stream is the client of the test of order: each goroutine sends datagrams and
// calls, mixed, on a connection of its own or a shared one, and asks at the end
// until all have begun.
func stream(c *config) error {
	ctx := context.Background()
	conns, err := c.dial(ctx)
	if err != nil {
		return err
	}
	errs := make([]error, c.Goroutines)
	var wg sync.WaitGroup
	for g := range c.Goroutines {
		wg.Go(func() {
			key := uint32(c.ID*c.Goroutines + g)
			errs[g] = streamOne(ctx, c, conns[g%c.Conns], key, rand.New(rand.NewPCG(uint64(key), 1)))
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func streamOne(ctx context.Context, c *config, conn *lpc.Conn, key uint32, rnd *rand.Rand) error {
	for n := range c.Ops {
		r := request{Op: opStream, Key: key, A: uint64(n + 1), Sent: now()}
		if c.Slow != 0 && rnd.IntN(c.Slow) == 0 {
			r.Slow = uint32(20_000 + rnd.IntN(100_000))
		}
		b := r.append(make([]byte, 0, largest))
		if rnd.IntN(8) == 0 {
			b = b[:largest]
		}
		var err error
		if rnd.IntN(4) == 0 {
			_, err = conn.Call(ctx, b)
		} else {
			err = conn.Send(ctx, b)
		}
		if err != nil {
			return err
		}
	}
	ask := (&request{Op: opBegun, Key: key}).append(nil)
	for {
		b, err := conn.Call(ctx, ask)
		if err != nil {
			return err
		}
		if binary.LittleEndian.Uint64(b) == uint64(c.Ops) {
			return nil
		}
	}
}
