package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/holdings"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
)

// poolCmd is lpc pool.
type poolCmd struct {
	lookAt
	Owners bool          `short:"o" name:"owners" help:"Show who holds what: process, port, and where it was allocated (LPC_STACKS=1)."`
	Watch  bool          `short:"w" name:"watch" help:"Look again and again, and show what changed since the look before."`
	Every  time.Duration `name:"every" default:"1s" placeholder:"TIME" help:"With --watch: how often; 1s unless told."`
	Times  int           `name:"times" placeholder:"N" help:"With --watch: look so many times, then leave."`
	JSON   bool          `name:"json" help:"One JSON object a line for each look."`
}

// Run prints what the pools of processes hold.
func (p *poolCmd) Run() error {
	if p.Watch && p.Every <= 0 {
		return usageError{fmt.Sprintf("--every %s: a time above 0 is expected", p.Every)}
	}
	t, err := p.open()
	if err != nil {
		return failedKD(err)
	}
	defer t.Close()
	if why := t.Lacks(target.Pools); why != "" || t.System() == nil {
		return failedKD(errors.New(cmp.Or(why, "this target shows no pools")))
	}
	if _, ours := holdings.Ours(records.NewReader(t)); !ours {
		return failedKD(errors.New("lpc pool shows the pools of lpc's processes; of a Windows dump, lpc kd -z FILE -c !poolused shows them"))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := p.look(ctx, t); err != nil && ctx.Err() == nil {
		return failedKD(err)
	}
	return nil
}

// look prints one look, or with --watch one after the other until it is interrupted.
func (p *poolCmd) look(ctx context.Context, t target.Target) error {
	screen := p.Watch && !p.JSON && isTerminal(os.Stdout)
	var before *holdings.Report
	for n := 1; ; n++ {
		if err := target.Refresh(t); err != nil {
			return err
		}
		now, err := holdings.Look(ctx, records.NewReader(t))
		if err != nil {
			return err
		}
		text := p.text(before, now)
		switch {
		case screen:
			columns, rows := screenSize(os.Stdout)
			text = append([]byte("\x1b[H\x1b[J"), fit(text, columns, rows)...) // to the top, and clear
		case before != nil && !p.JSON:
			text = append([]byte("\n"), text...)
		}
		if _, err := os.Stdout.Write(text); err != nil {
			return err
		}
		if !p.Watch || n == p.Times {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(p.Every):
		}
		before = now
	}
}

// text is one look as it is printed; before is the look before it, nil: there was
// none.
func (p *poolCmd) text(before, now *holdings.Report) []byte {
	var b bytes.Buffer
	doc := now.Document()
	if p.JSON {
		_ = escape.JSON(&b, doc) // strings and numbers into memory: it cannot fail
		return b.Bytes()
	}
	var t columns
	if p.Owners {
		poolOwners(&t, before, now, doc.Holders, p.Watch)
	} else {
		poolTags(&t, before, doc.Tags, p.Watch)
	}
	t.print(&b)
	poolLimits(&b, doc)
	return trimLines(b.Bytes())
}

// poolTags prints a row for each tag of each process, most bytes first.
func poolTags(w *columns, before *holdings.Report, rows []holdings.TagRow, watch bool) {
	type key struct {
		tag, pool string
		pid       uint32
	}
	was := map[key]holdings.TagRow{}
	if before != nil {
		for _, t := range before.TagRows() {
			was[key{t.Tag, t.Pool, t.PID}] = t
		}
	}
	slices.SortStableFunc(rows, func(a, b holdings.TagRow) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.PID, b.PID))
	})
	head := []string{"TAG", "PID", "PROGRAM", "POOL", "ALLOCS", "FREES", "DIFF", "BYTES"}
	if watch {
		head = []string{"TAG", "PID", "PROGRAM", "POOL", "ALLOCS", "+", "FREES", "+", "DIFF", "+", "BYTES", "+"}
	}
	w.row(head...)
	var total, totalWas holdings.TagRow
	for _, t := range rows {
		old := was[key{t.Tag, t.Pool, t.PID}]
		if before == nil {
			old = t
		}
		w.row(append([]string{escape.Text(t.Tag), fmt.Sprint(t.PID), escape.Text(t.Program), t.Pool}, counts(t, old, watch)...)...)
		total, totalWas = plus(total, t), plus(totalWas, old)
	}
	w.row(append([]string{"TOTAL", "", "", ""}, counts(total, totalWas, watch)...)...)
}

func plus(a, b holdings.TagRow) holdings.TagRow {
	a.Allocs, a.Frees, a.Diff, a.Bytes = a.Allocs+b.Allocs, a.Frees+b.Frees, a.Diff+b.Diff, a.Bytes+b.Bytes
	return a
}

// counts are the numbers of a row, with watch each beside what it grew by.
func counts(t, old holdings.TagRow, watch bool) (cells []string) {
	for _, n := range [][2]uint64{{t.Allocs, old.Allocs}, {t.Frees, old.Frees}, {t.Diff, old.Diff}, {t.Bytes, old.Bytes}} {
		cells = append(cells, fmt.Sprint(n[0]))
		if watch {
			cells = append(cells, growth(n[0], n[1]))
		}
	}
	return cells
}

// growth is by how much a number grew, "" for nothing.
func growth(now, was uint64) string {
	if now == was {
		return ""
	}
	return fmt.Sprintf("%+d", int64(now-was))
}

// poolOwners prints a row for each holder, most bytes first. rows are now's.
func poolOwners(w *columns, before, now *holdings.Report, rows []holdings.HolderRow, watch bool) {
	was := map[holdings.Holder]holdings.Holding{}
	if before != nil {
		for _, h := range before.Holdings {
			was[h.Holder] = h
		}
	}
	head := []string{"TAG", "PID", "PROGRAM", "POOL", "BLOCKS", "BYTES", "PORT", "ALLOCATED IN"}
	if watch {
		head = []string{"TAG", "PID", "PROGRAM", "POOL", "BLOCKS", "+", "BYTES", "+", "PORT", "ALLOCATED IN"}
	}
	w.row(head...)
	for i, row := range rows {
		old := was[now.Holdings[i].Holder]
		if before == nil {
			old = now.Holdings[i]
		}
		cells := []string{escape.Text(row.Tag), fmt.Sprint(row.PID), escape.Text(row.Program), row.Pool, fmt.Sprint(row.Blocks)}
		if watch {
			cells = append(cells, growth(row.Blocks, old.Blocks), fmt.Sprint(row.Bytes), growth(row.Bytes, old.Bytes))
		} else {
			cells = append(cells, fmt.Sprint(row.Bytes))
		}
		w.row(append(cells, cmp.Or(escape.Text(row.Port), "-"), escape.Text(row.Caller))...)
	}
}

// poolLimits prints the limits that are nearly used up, what failed, and what could
// not be read.
func poolLimits(b *bytes.Buffer, d *holdings.Document) {
	for _, p := range d.Processes {
		who := fmt.Sprintf("%s %d", escape.Text(cmp.Or(p.Program, "process")), p.PID)
		if p.Excessive {
			fmt.Fprintf(b, "Excessive: %s has %d of the %d bytes that its pool may have\n", who, p.Used, p.Limit)
		}
		if p.Failures > 0 {
			fmt.Fprintf(b, "Failed: %d allocations of %s; the last one met: %s\n", p.Failures, who, escape.Text(cmp.Or(p.Quota, "a quota that was not recorded")))
		}
	}
	for _, q := range d.Quotas {
		if q.Excessive {
			fmt.Fprintf(b, "Excessive: port %s of process %d has granted uid %d section memory of %d of %d bytes\n", escape.Text(q.Port), q.PID, q.UID, q.Granted, q.Limit)
		}
	}
	for _, n := range d.Notes {
		fmt.Fprintf(b, "Note: %s\n", escape.Text(n))
	}
}
