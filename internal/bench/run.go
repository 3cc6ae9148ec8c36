package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/seed-eedd8485/lpc/internal/bench/latency"
)

// runner is one Run.
type runner struct {
	stage
	plan     plan
	systems  []string // in the order of their turns; the floor is not one of them
	progress *progress
	lines    []*line // in the order of the output
	notes    []string
}

// Run measures what o asks for and writes the result to stdout, progress and
// what went wrong to stderr. The calling binary's main must call [Child]
// first. If ctx ends, or a child hangs or dies, Run prints what it has, leaves
// no process and no file behind, and returns an error that names the work.
func Run(ctx context.Context, o Options, stdout, stderr io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if o.KD {
		o = forKD(o)
	}
	if o.Native {
		o = forNative(o)
	}
	r := &runner{plan: newPlan(o), systems: o.systems, progress: newProgress(stderr, o.heard)}
	if r.systems == nil {
		r.systems = append([]string{"lpc"}, o.Against...)
		if o.Against == nil {
			r.systems = append(r.systems, "unix", "netrpc")
		}
	}
	if r.dir, err = os.MkdirTemp("", "lpc-bench-"); err != nil {
		return fmt.Errorf("lpc bench: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.dir)) }()
	r.env = []string{"LPC_ROOT=" + r.dir}
	if r.launcher, err = newLauncher(); err != nil {
		return fmt.Errorf("lpc bench: %w", err)
	}
	defer r.launcher.close()
	r.clock = latency.Calibrate(20 * time.Millisecond)

	runErr := r.run(ctx)
	r.progress.clear()
	if o.KD && runErr == nil {
		r.notes = append(r.notes, kdNotes(r.lines)...)
		r.progress.say("pool scan")
		note, scanErr := poolScanNote(ctx, o)
		r.progress.clear()
		r.notes, runErr = append(r.notes, note), scanErr
	}
	if o.Native && runErr == nil {
		r.notes = append(r.notes, nativeNotes(r.lines)...)
		if o.C != "" {
			var note string
			note, runErr = nativeC(ctx, o.C, r.env, r.lines)
			r.notes = append(r.notes, note)
		}
	}
	if o.JSON {
		err = writeJSON(stdout, r.lines)
		for _, n := range append(r.notes, tableOnly(r.lines)...) {
			_, _ = fmt.Fprintln(stderr, n) // notes have no place in the JSON
		}
	} else {
		err = writeTables(stdout, r.lines, r.notes)
	}
	if runErr != nil {
		if stacks, ok := errors.AsType[*stacksError](runErr); ok {
			_, _ = io.WriteString(stderr, stacks.stacks)
		}
		err = errors.Join(fmt.Errorf("lpc bench: %w", runErr), err)
	}
	return err
}

// run goes through the plan.
func (r *runner) run(ctx context.Context) error {
	for _, ph := range r.plan.phases {
		if ph.placement == diff && len(r.launcher.cpus) < 2 {
			r.notes = append(r.notes, "placement diff left out: this process may use one CPU only")
			continue
		}
		if err := r.phase(ctx, ph); err != nil {
			return err
		}
	}
	if r.plan.idle {
		if err := r.idleMemory(ctx); err != nil {
			return err
		}
	}
	if r.plan.idleCPU {
		return r.idleCPU(ctx)
	}
	return nil
}

// phase runs the pairs of one placement, one after the other.
func (r *runner) phase(ctx context.Context, ph phase) (err error) {
	hogs, err := r.startHogs(ctx, ph.hogs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, hogs.stop()) }()
	table := newTable(r, ph)
	for i := range ph.pairs {
		if err := r.pairs(ctx, ph, i, table); err != nil {
			return err
		}
	}
	return nil
}

// table finds the line of an item and a system; nil where the system has no
// part in the item.
type table map[[2]string]*line

// newTable adds the phase's lines to the output, empty.
func newTable(r *runner, ph phase) table {
	t := make(table)
	for _, it := range ph.items {
		for _, s := range r.turns(ph, it) {
			l := &line{item: it, placement: ph.placement, hogs: ph.hogs, system: s,
				pairs: make([][]measured, 0, ph.pairs)}
			t[[2]string{it.name, s}] = l
			r.lines = append(r.lines, l)
		}
	}
	return t
}

// turns lists the systems that take part in an item.
func (r *runner) turns(ph phase, it item) []string {
	var all []string
	for _, s := range r.systems {
		if s == "netrpc" && it.name == "send/64" {
			continue // it has no datagrams
		}
		all = append(all, s)
	}
	if it.floor && ph.placement != same {
		all = append(all, "floor")
	}
	return all
}

// pairs runs one pair of processes of each system through all items: round by
// round, the systems in turn.
func (r *runner) pairs(ctx context.Context, ph phase, number int, t table) (err error) {
	open := make(map[string]*pair)
	defer func() {
		for _, p := range open {
			err = errors.Join(err, r.finish(ctx, p, err))
		}
	}()
	for _, it := range ph.items {
		for _, s := range r.turns(ph, it) {
			if open[s] == nil {
				if open[s], err = r.open(ctx, s, ph.placement); err != nil {
					delete(open, s)
					return fmt.Errorf("placement %s: %w", ph.placement, err)
				}
			}
			l := t[[2]string{it.name, s}]
			l.pairs = append(l.pairs, nil)
		}
		for round := range ph.rounds {
			for _, s := range r.turns(ph, it) {
				r.progress.say("%s%s  pair %d/%d  %s  round %d/%d  %s", ph.placement, besideHogs(ph.hogs),
					number+1, ph.pairs, it.name, round+1, ph.rounds, s)
				res, cpu, err := open[s].round(ctx, it.spec)
				if err != nil {
					p := open[s]
					delete(open, s)
					return errors.Join(fmt.Errorf("%s, placement %s%s: %w", it.name, ph.placement, besideHogs(ph.hogs), err), p.abandon(err))
				}
				l := t[[2]string{it.name, s}]
				l.pairs[number] = append(l.pairs[number], measured{Result: res, cpu: cpu})
			}
		}
	}
	return nil
}

// finish ends a pair after its work, or after another pair's failure.
func (r *runner) finish(ctx context.Context, p *pair, err error) error {
	if err != nil {
		return p.abandon(ctx.Err()) // it is not this pair that failed
	}
	return p.close(ctx)
}
