package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// hogs are processes in a pure loop, unpinned.
type hogs []*process

// startHogs starts n hogs and waits until each has used the CPU.
func (r *runner) startHogs(ctx context.Context, n int) (hogs, error) {
	var all hogs
	for i := range n {
		p, err := r.launcher.spawn(roleHog, fmt.Sprintf("CPU hog %d", i+1), anywhere, []string{"GOMAXPROCS=1"})
		if err != nil {
			return nil, errors.Join(err, all.stop())
		}
		all = append(all, p)
	}
	const started = 0.02 // seconds: past the start of the runtime
	for _, p := range all {
		for {
			used, err := cpuOf(p.cmd.Process.Pid)
			if err == nil && used >= started {
				break
			}
			if err == nil {
				err = wait(ctx, 5*time.Millisecond)
			}
			if err != nil {
				return nil, errors.Join(fmt.Errorf("starting %s: %w", p.what, err), all.stop())
			}
		}
	}
	return all, nil
}

// stop ends the hogs. It is an error if one is not alive: then the work was
// not beside it.
func (h hogs) stop() error {
	var errs []error
	for _, p := range h {
		if !p.alive() {
			errs = append(errs, p.death())
		}
		p.kill()
	}
	return errors.Join(errs...)
}

// besideHogs is what a sentence says of hogs.
func besideHogs(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return " beside 1 hog"
	}
	return fmt.Sprintf(" beside %d hogs", n)
}

// wait waits for d or the end of ctx.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
