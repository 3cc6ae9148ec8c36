package kd

import (
	"context"
	"fmt"
	"iter"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/holdings"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdPoolfind = Command{
	Name: "!poolfind", Args: "Tag [Pool]",
	Short: "Find the pool's blocks with a tag.",
	Long: `Tag is four characters, in which * and ? stand for any, or 0x and the number that they are in memory.
Pool is 0 nonpaged, 1 paged, 2 special, 4 session: 0 unless told. Of processes of ours all pools are
searched unless told, each process's apart; their large allocations are sections, each named by the
address of its record. An interrupt says how far it came.`,
	Needs: target.Pools,
}

func init() { cmdPoolfind.Run = runPoolfind }

// pooled is the target's own view of its pools.
func (s *Session) pooled(command string) (target.Pooled, error) {
	p, ok := s.Target.System().(target.Pooled)
	if !ok {
		return nil, fmt.Errorf("%s: this target does not tell of its pools", command)
	}
	return p, nil
}

func runPoolfind(ctx context.Context, s *Session, o *Out, args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return fmt.Errorf("usage: !poolfind %s", cmdPoolfind.Args)
	}
	tag, err := tagOf(args[0])
	if err != nil {
		return fmt.Errorf("!poolfind: %w", err)
	}
	kinds, all, err := s.poolKinds(args[1:])
	if err != nil {
		return err
	}
	p, err := s.pooled("!poolfind")
	if err != nil {
		return err
	}
	w, err := s.look(ctx, 0)
	if err != nil {
		return err
	}
	f := &poolFinder{s: s, o: o, p: p, w: w, tag: tag}
	for _, k := range kinds {
		if err := f.find(ctx, k, all); err != nil {
			return err
		}
	}
	return nil
}

// poolKinds are the pools that the rest of a line names. all: it named none and each
// that there is is meant.
func (s *Session) poolKinds(args []string) (kinds []target.PoolKind, all bool, err error) {
	if len(args) == 0 {
		if _, ours := holdings.Ours(s.reader); ours {
			return []target.PoolKind{target.NonPaged, target.Paged}, true, nil
		}
		return []target.PoolKind{target.NonPaged}, false, nil
	}
	v, err := number(args[0])
	if err != nil {
		return nil, false, err
	}
	switch k := target.PoolKind(v); {
	case v <= 4 && v != 3:
		return []target.PoolKind{k}, false, nil
	}
	return nil, false, fmt.Errorf("!poolfind: pool %x, expected 0 nonpaged, 1 paged, 2 special or 4 session", v)
}

// A poolFinder is one !poolfind.
type poolFinder struct {
	s   *Session
	o   *Out
	p   target.Pooled
	w   *records.World
	tag tagPattern
}

// find searches one pool. quiet: nothing is said where there is none.
func (f *poolFinder) find(ctx context.Context, k target.PoolKind, quiet bool) error {
	s, o := f.s, f.o
	ranges, note, err := f.p.PoolRanges(k)
	if err != nil {
		return fmt.Errorf("!poolfind: %w", err)
	}
	start, end, big, err := f.p.BigTable(k)
	if quiet && err == nil && len(ranges) == 0 && end == 0 {
		return nil
	}
	if err != nil {
		o.Printf("\nLarge allocations are not searched: %s\n", escape.Text(err.Error()))
	} else {
		o.Printf("\nScanning large pool allocation table for Tag: %s (%s : %s)\n\n", escape.Text(f.tag.text), s.ptr(start), s.ptr(end))
		if !f.print(ctx, big, "table") {
			return nil
		}
	}
	for _, r := range ranges {
		o.Printf("\nSearching %s pool (%s : %s) for Tag: %s%s\n\n", k, s.ptr(r.Start), s.ptr(r.End), escape.Text(f.tag.text), f.of(r))
		if !f.print(ctx, f.p.RangeBlocks(ctx, r, f.tag.matches), "pool") {
			return nil
		}
	}
	if note != "" {
		o.Printf("\nNote: %s\n", escape.Text(note))
	}
	return nil
}

// of names the process of ours whose pool a range is.
func (f *poolFinder) of(r target.PoolRange) string {
	if p := f.w.Process(r.Process); p != nil && f.s.reader.Ours(p.Addr) {
		return "  Process: " + f.s.pid(p.Addr, uint64(p.ID))
	}
	return ""
}

// print prints the blocks with the tag; false: it was interrupted.
func (f *poolFinder) print(ctx context.Context, blocks iter.Seq[target.Block], what string) bool {
	at, n := uint64(0), 0
	for b := range blocks {
		if n++; n%256 == 0 && ctx.Err() != nil {
			break
		}
		if b.Err != nil {
			f.o.Printf("Not readable: %s: %s\n", f.s.ptr(b.Addr), escape.Text(b.Err.Error()))
			continue
		}
		if at = b.Addr; f.tag.matches(b.Tag) {
			f.s.poolBlock(f.o, f.w, b, "", "")
		}
	}
	if ctx.Err() != nil {
		f.o.Printf("...terminating - searched %s to %s\n", what, f.s.ptr(at))
		return false
	}
	return true
}
