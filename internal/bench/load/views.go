package load

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/bench/latency"
	"github.com/seed-eedd8485/lpc/internal/bench/loops"
	"github.com/seed-eedd8485/lpc/internal/bench/transport"
)

// views is one caller that builds its request in place: it writes every byte,
// the server sums every byte, and the sum comes back. Batches of the same two
// loops without a call take turns with it; package loops says where they run.
type views struct {
	env
	conn  transport.Conn
	view  transport.View
	lane  *loops.Lane // to the server's loop; nil if this process does both
	op    transport.Op
	sums  [loops.Seeds]uint64 // what the request of each seed adds up to
	where *exchange           // asks for the server's CPU
	turn  int                 // chooses the seed
	batch int
	own   []byte // memory for the loops in this process

	bare      *latency.Samples // calls without the loops
	took      *latency.Samples // calls, with the loops in them: of one batch,
	calls     *latency.Samples // of all batches with the ends on two CPUs,
	callsHere *latency.Samples // of the others
	loops     *latency.Samples // the loops in two processes, over lane
	loopsHere *latency.Samples // the loops in this process
}

const (
	keepViews = 1 << 17 // stamps kept of a round
	leastView = 32      // turns of a batch: the first finds cold caches and sleeping ends
)

func (j *views) Prepare(ctx context.Context) (err error) {
	if j.conn, err = j.dial(ctx); err != nil {
		return err
	}
	if j.view, err = j.conn.View(ctx, j.spec.Bytes); err != nil {
		return fmt.Errorf("allocating %d bytes to build in: %w", j.spec.Bytes, err)
	}
	if j.view.InPlace() && !j.spec.OneCPU {
		if j.lane, err = loops.Dial(loops.Path(j.addr), j.spec.Bytes); err != nil {
			return err
		}
	}
	j.where = newExchange(j.conn, transport.HeaderBytes, transport.HeaderBytes)
	j.op = transport.OpSum
	if j.spec.Reply != j.spec.Bytes {
		j.op = transport.OpSumShort
	}
	j.took, j.calls, j.callsHere = latency.NewSamples(maxBatch), latency.NewSamples(keepViews), latency.NewSamples(keepViews)
	j.loops, j.loopsHere = latency.NewSamples(keepViews), latency.NewSamples(keepViews)
	j.bare = latency.NewSamples(keepViews)
	j.own = make([]byte, j.spec.Bytes)
	for seed := range j.sums {
		loops.Fill(j.own, byte(j.op), byte(seed))
		j.sums[seed] = loops.Sum(j.own)
	}
	j.batch, err = j.grow(j.spec.WarmUp, func(n int) error {
		j.batch = max(n, leastView)
		return errors.Join(j.withCall(ctx), j.withoutCall())
	})
	j.batch = max(j.batch, leastView)
	return err
}

// seed returns the next turn's seed.
func (j *views) seed() byte {
	j.turn++
	return byte(j.turn % loops.Seeds)
}

// timed runs one turn after the other and puts each one's time into took.
func (j *views) timed(took *latency.Samples, turn func(seed byte) error) error {
	last := j.clock.Now()
	for range j.batch {
		if err := turn(j.seed()); err != nil {
			return err
		}
		now := j.clock.Now()
		took.Add(latency.Since(last, now))
		last = now
	}
	return nil
}

// withCall runs a batch of calls, each with its loops, and sorts it by whether
// both ends were on one CPU.
func (j *views) withCall(ctx context.Context) error {
	j.took.Reset()
	err := j.timed(j.took, func(seed byte) error {
		loops.Fill(j.view.Bytes(), byte(j.op), seed)
		reply, err := j.view.Call(ctx)
		if err != nil {
			return err
		}
		return check(reply, j.spec.Reply, j.sums[seed])
	})
	if err != nil {
		return err
	}
	if j.lane == nil {
		j.callsHere.Merge(j.took)
		return nil
	}
	server, err := j.where.ask(ctx, transport.OpWhere)
	if server == transport.CPU() {
		j.callsHere.Merge(j.took)
	} else {
		j.calls.Merge(j.took)
	}
	return err
}

// callAlone runs a batch of calls in which neither end touches more than the header.
func (j *views) callAlone(ctx context.Context) error {
	return j.timed(j.bare, func(seed byte) error {
		transport.SetHeader(j.view.Bytes(), transport.OpNothing, uint64(seed))
		reply, err := j.view.Call(ctx)
		if err != nil {
			return err
		}
		return check(reply, transport.ShortBytes, uint64(seed))
	})
}

// withoutCall runs a batch of the loops, in two processes if they are in the
// calls, and in this one.
func (j *views) withoutCall() error {
	if j.lane != nil {
		if err := j.lane.Begin(1 + j.batch); err != nil {
			return err
		}
		if err := j.pass(j.seed()); err != nil { // until both have a CPU
			return err
		}
		if err := j.timed(j.loops, j.pass); err != nil {
			return err
		}
	}
	return j.timed(j.loopsHere, func(seed byte) error {
		loops.Fill(j.own, byte(j.op), seed)
		if sum := loops.Sum(j.own); sum != j.sums[seed] {
			return fmt.Errorf("a sum of %#x here, want %#x", sum, j.sums[seed])
		}
		return nil
	})
}

// pass runs the loops once in two processes.
func (j *views) pass(seed byte) error {
	sum, err := j.lane.Pass(byte(j.op), seed)
	if err == nil && sum != j.sums[seed] {
		err = fmt.Errorf("a sum of %#x without a call, want %#x", sum, j.sums[seed])
	}
	return err
}

func (j *views) Measure(ctx context.Context) (r Result, err error) {
	for _, s := range []*latency.Samples{j.bare, j.calls, j.callsHere, j.loops, j.loopsHere} {
		s.Reset()
	}
	m := startMeter()
	err = j.turns(j.spec.Measure, func() error { return j.withCall(ctx) }, func() error { return errors.Join(j.withoutCall(), j.callAlone(ctx)) })
	if err != nil {
		return r, err
	}
	r.Calls = j.calls.Count() + j.callsHere.Count()
	m.stop(&r)
	// As the calls were placed, so the loops count: mean less mean, median less median.
	// Both take turns within a millisecond, so what interrupts one interrupts the other.
	here := float64(j.callsHere.Count()) / float64(r.Calls)
	var loopsMean float64
	r.CallUS, r.CallP50US = j.weighed(here, j.callsHere, j.calls)
	loopsMean, r.LoopsUS = j.weighed(here, j.loopsHere, j.loops)
	_, r.HereUS = j.weighed(1, j.loopsHere, nil)
	r.MeanUS, r.P50US = r.CallUS-loopsMean, r.CallP50US-r.LoopsUS
	r.BareUS, r.BareP50US = j.weighed(1, j.bare, nil)
	if j.lane != nil {
		r.Together = here
	}
	r.AllocsDeadline = -1
	return r, nil
}

// weighed returns mean and median of one and other, of which one has the part
// share.
func (j *views) weighed(share float64, one, other *latency.Samples) (mean, p50 float64) {
	if share > 0 {
		mean, p50 = share*one.Mean(), share*one.Quantile(0.5)
	}
	if share < 1 {
		mean, p50 = mean+(1-share)*other.Mean(), p50+(1-share)*other.Quantile(0.5)
	}
	return j.clock.Micros(mean), j.clock.Micros(p50)
}

func (j *views) Close() error {
	var errs []error
	if j.lane != nil {
		errs = append(errs, j.lane.Close())
	}
	if j.view != nil {
		errs = append(errs, j.view.Close())
	}
	return errors.Join(append(errs, closeConn(j.conn))...)
}
