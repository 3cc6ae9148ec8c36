package kd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/holdings"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

var cmdPooldiff = Command{
	Name: "!pooldiff", Args: "File [Flags [Tag]]",
	Short: "Show what the pools hold more than in an earlier file, by tag and owner.",
	Long: `File is a snapshot (lpc snapshot) or a core of the same processes, taken earlier, or an earlier dump of
the same Windows machine, which gets the symbols of this one. Who holds more bytes now
stands first: how many blocks and bytes more, and how many that makes in an hour, who holds them, and
behind a colon how often the process has allocated and freed under that tag since. Flags: 1 shows too who
holds less, or has ended. /t and a decimal number shows that many rows.`,
	Needs: target.Pools,
}

func init() { cmdPooldiff.Run, cmdPooldiff.JSON = runPooldiff, jsonPooldiff }

// poolGrowth compares the target with a file.
func (s *Session) poolGrowth(ctx context.Context, path string) (*holdings.Growth, []string, error) {
	fail := func(err error) (*holdings.Growth, []string, error) { return nil, nil, fmt.Errorf("!pooldiff: %w", err) }
	if s.Open == nil {
		return fail(errors.New("this program opens no further files"))
	}
	earlier, err := s.Open(path)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = earlier.Close() }()
	if why := earlier.Lacks(target.Pools); why != "" {
		return fail(fmt.Errorf("%s: %s", path, why))
	}
	notes := s.sameKernel(earlier)
	before, err := holdings.Look(ctx, records.NewReader(earlier))
	if err != nil {
		return fail(fmt.Errorf("%s: %w", path, err))
	}
	now, err := holdings.Look(ctx, s.reader)
	if err != nil {
		return fail(err)
	}
	return holdings.Compare(before, now), notes, nil
}

func pooldiffArgs(args []string) (path string, a poolArgs, err error) {
	if len(args) == 0 {
		return "", a, fmt.Errorf("usage: !pooldiff %s", cmdPooldiff.Args)
	}
	a, err = parsePoolArgs(&cmdPooldiff, args[1:])
	if err == nil && a.flags&^1 != 0 {
		err = fmt.Errorf("!pooldiff: flags %x, expected 0 or 1", a.flags)
	}
	return args[0], a, err
}

// asked are the changes that a line asks for.
func (a poolArgs) asked(g *holdings.Growth) (list []holdings.Change) {
	for _, c := range g.Changes {
		if a.tag.matches(c.Tag) && (c.Bytes() > 0 || a.flags&1 != 0) && (a.rows < 0 || len(list) < a.rows) {
			list = append(list, c)
		}
	}
	return list
}

func runPooldiff(ctx context.Context, s *Session, o *Out, args []string) error {
	path, a, err := pooldiffArgs(args)
	if err != nil {
		return err
	}
	g, notes, err := s.poolGrowth(ctx, path)
	if err != nil {
		return err
	}
	switch {
	case g.Since > 0:
		o.Printf("Since %s, %s ago\n", escape.Text(path), waitgraph.Age(g.Since))
	case g.Since < 0:
		o.Printf("%s was taken %s later: what grew is what it holds less\n", escape.Text(path), waitgraph.Age(-g.Since))
	default:
		o.Printf("Since %s; when that was is not known\n", escape.Text(path))
	}
	s.notes(o, notes, 0)
	list := a.asked(g)
	if len(list) == 0 {
		o.Printf("Nothing grew\n")
		return nil
	}
	o.Printf("\n Tag     Blocks       Bytes    Blocks/h       Bytes/h  Owner\n")
	for _, c := range list {
		o.Printf(" %-5s %+8d  %+10d  %10s  %12s  %s%s\n", escape.Text(tagText(c.Tag)), c.Blocks(), c.Bytes(), perHour(g, c.Blocks()), perHour(g, c.Bytes()),
			ownerText(c.Holder, c.Image), changeText(c))
	}
	blocks, bytes := g.Grown()
	o.Printf(" TOTAL %+8d  %+10d  %10s  %12s\n", blocks, bytes, perHour(g, blocks), perHour(g, bytes))
	return nil
}

// shortest is the time below which a number for an hour says nothing.
const shortest = time.Second

func perHour(g *holdings.Growth, n int64) string {
	v, ok := g.PerHour(n)
	if !ok || g.Since < shortest {
		return "-"
	}
	return fmt.Sprintf("%+.0f", v)
}

// changeText is what else there is to say of a change.
func changeText(c holdings.Change) string {
	switch {
	case c.Gone:
		return ": the process has ended"
	case c.New:
		return ": the process was started since"
	case c.CountedSince:
		return fmt.Sprintf(": %d allocated, %d freed", c.Allocs, c.Frees)
	}
	return ""
}

// pooldiffRow is a row of !pooldiff as JSON.
type pooldiffRow struct {
	Tag     string `json:"tag"`
	Process uint32 `json:"process"`
	Image   string `json:"image"`
	Port    string `json:"port,omitempty"`
	Caller  string `json:"caller,omitempty"`
	Blocks  int64  `json:"blocks"` // more than then
	Bytes   int64  `json:"bytes"`
	Allocs  uint64 `json:"allocs"` // since, of the process with that tag
	Frees   uint64 `json:"frees"`
	New     bool   `json:"new,omitempty"`
	Gone    bool   `json:"gone,omitempty"`
}

func jsonPooldiff(ctx context.Context, s *Session, args []string) (any, error) {
	path, a, err := pooldiffArgs(args)
	if err != nil {
		return nil, err
	}
	g, notes, err := s.poolGrowth(ctx, path)
	if err != nil {
		return nil, err
	}
	v := struct {
		Seconds float64       `json:"seconds"` // since the file was taken, 0: not known
		Changes []pooldiffRow `json:"changes"`
		Notes   []string      `json:"notes,omitempty"`
	}{g.Since.Seconds(), []pooldiffRow{}, notes}
	for _, c := range a.asked(g) {
		v.Changes = append(v.Changes, pooldiffRow{tagText(c.Tag), c.Process, c.Image, c.Port, c.Caller, c.Blocks(), c.Bytes(), c.Allocs, c.Frees, c.New, c.Gone})
	}
	return v, nil
}
