package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-eedd8485/lpc/internal/bench/latency"
	"github.com/seed-eedd8485/lpc/internal/bench/load"
)

// stage is what all pairs of a run have in common.
type stage struct {
	launcher *launcher
	dir      string // for all names
	clock    latency.Clock
	env      []string // of the children
	next     int      // number of the next pair, for its name
}

// pair is a server process and a client process of one system.
type pair struct {
	system string
	server *process
	client *process
}

// answerTime is how long a child may take for an order beyond what the order
// asks for. It is generous: beside hogs and on a slow machine nothing may be
// taken for a hang that is not one.
const answerTime = 30 * time.Second

// open starts a pair. A pair that could not start leaves nothing behind.
func (s *stage) open(ctx context.Context, system, placement string) (*pair, error) {
	serverCPU, clientCPU, err := s.place(placement)
	if err != nil {
		return nil, err
	}
	s.next++
	addr := filepath.Join(s.dir, fmt.Sprintf("bench%d", s.next))
	p := &pair{system: system}
	env := s.env
	if v, ok := kdVariants[system]; ok {
		env, system = append(slices.Clone(env), v), "lpc"
	}
	if p.server, err = s.launcher.spawn(roleServer, "the server of "+p.system, serverCPU, env); err != nil {
		return nil, err
	}
	if p.client, err = s.launcher.spawn(roleClient, "the client of "+p.system, clientCPU, env); err != nil {
		p.server.end()
		return nil, err
	}
	o := order{Op: opStart, System: system, Addr: addr, Clock: s.clock}
	for _, child := range p.children() {
		if _, err := child.tell(ctx, o, answerTime); err != nil {
			return nil, errors.Join(fmt.Errorf("starting: %w", err), p.abandon(err))
		}
	}
	return p, nil
}

// place returns the CPUs of server and client.
func (s *stage) place(placement string) (server, client int, err error) {
	cpus := s.launcher.cpus
	last := cpus[len(cpus)-1] // the first one has most of the interrupts
	switch placement {
	case same:
		return last, last, nil
	case diff:
		if len(cpus) < 2 {
			return 0, 0, errors.New("placement diff needs two CPUs, this process has one")
		}
		return cpus[0], last, nil
	}
	return anywhere, anywhere, nil
}

func (p *pair) children() []*process { return []*process{p.server, p.client} }

// round runs one work item once. cpu is the time of both processes in the
// measured part, in seconds.
func (p *pair) round(ctx context.Context, spec load.Spec) (r load.Result, cpu float64, err error) {
	limit := answerTime + 10*(spec.Measure+spec.WarmUp)
	if _, err = p.server.tell(ctx, order{Op: opSettle}, limit); err != nil {
		return r, 0, err
	}
	if _, err = p.client.tell(ctx, order{Op: opPrepare, Spec: &spec}, limit); err != nil {
		return r, 0, err
	}
	before, err := p.server.tell(ctx, order{Op: opUsage}, limit)
	if err != nil {
		return r, 0, err
	}
	a, err := p.client.tell(ctx, order{Op: opMeasure}, limit)
	if err != nil {
		return r, 0, err
	}
	after, err := p.server.tell(ctx, order{Op: opUsage}, limit)
	if err != nil {
		return r, 0, err
	}
	if _, err = p.client.tell(ctx, order{Op: opClose}, limit); err != nil {
		return r, 0, err
	}
	return *a.Result, a.Result.CPU + after.CPU - before.CPU, nil
}

// close stops a pair that works.
func (p *pair) close(ctx context.Context) error {
	_, err := p.server.tell(ctx, order{Op: opStop}, answerTime)
	if err != nil {
		return errors.Join(fmt.Errorf("stopping: %w", err), p.abandon(err))
	}
	p.client.end()
	p.server.end()
	return nil
}

// abandon ends a pair that does not work. If it hangs, the error returned
// holds the stacks of both processes.
func (p *pair) abandon(why error) error {
	if errors.Is(why, context.Canceled) || errors.Is(why, context.DeadlineExceeded) {
		p.client.kill()
		p.server.kill()
		return nil
	}
	if !errors.Is(why, errHang) {
		p.client.end()
		p.server.end()
		return nil
	}
	var all strings.Builder
	for _, child := range p.children() {
		all.WriteString(child.stacks())
	}
	return &stacksError{all.String()}
}

// stacksError carries stacks to where stderr is.
type stacksError struct{ stacks string }

func (e *stacksError) Error() string { return "the stacks of both processes are on stderr" }
