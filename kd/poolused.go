package kd

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdPoolused = Command{
	Name: "!poolused", Args: "[Flags [Tag]]",
	Short: "Show what the pools hold, by tag.",
	Long: `Flags: 2 sorts by bytes of nonpaged pool, 4 by bytes of paged pool, 0 by tag. /t and a decimal number
before or behind the flags shows that many rows. Tag is four characters, in which * and ? stand for
any: only its rows are shown. Counted are the blocks that are allocated at the moment.`,
	Needs: target.Pools,
}

func init() { cmdPoolused.Run = runPoolused }

// poolUse is what has one tag.
type poolUse struct {
	tag             string
	allocs, bytes   uint64 // nonpaged
	pAllocs, pBytes uint64 // paged
}

// poolArgs are the arguments of !poolused.
type poolArgs struct {
	flags uint64
	tag   string
	rows  int
}

func (s *Session) poolArgs(args []string) (a poolArgs, err error) {
	a.rows = -1
	plain := 0
	for _, w := range args {
		n, isRows := strings.CutPrefix(strings.ToLower(w), "/t")
		switch {
		case isRows:
			if _, err := fmt.Sscanf(n, "%d", &a.rows); err != nil || a.rows < 1 {
				return a, fmt.Errorf("!poolused: %s is no number of rows; /t20 shows 20", escape.Text(w))
			}
			continue
		case plain == 0:
			if a.flags, err = number(w); err != nil {
				return a, err
			}
			if a.flags&^6 != 0 {
				return a, fmt.Errorf("!poolused: flags %x, expected 0, 2 or 4", a.flags)
			}
		case plain == 1:
			if _, err := path.Match(w, ""); err != nil || len(w) > 32 {
				return a, fmt.Errorf("!poolused: %s is no pattern of a tag", escape.Text(w))
			}
			a.tag = w
		default:
			return a, fmt.Errorf("%s is too much; usage: !poolused %s", escape.Text(w), cmdPoolused.Args)
		}
		plain++
	}
	return a, nil
}

func runPoolused(ctx context.Context, s *Session, o *Out, args []string) error {
	a, err := s.poolArgs(args)
	if err != nil {
		return err
	}
	byTag := map[[4]byte]*poolUse{}
	var trouble []string
	n := 0
	for b := range s.Target.System().Blocks("") {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if b.Err != nil {
			trouble = append(trouble, b.Err.Error())
			continue
		}
		if !b.Allocated {
			continue
		}
		tag := b.Tag
		tag[3] &^= 0x80 // a protected tag
		u := byTag[tag]
		if u == nil {
			u = &poolUse{tag: string(tag[:])}
			byTag[tag] = u
		}
		if b.Paged {
			u.pAllocs, u.pBytes = u.pAllocs+1, u.pBytes+b.Size
		} else {
			u.allocs, u.bytes = u.allocs+1, u.bytes+b.Size
		}
	}
	list := make([]*poolUse, 0, len(byTag))
	for _, u := range byTag {
		if ok, _ := path.Match(a.tag, u.tag); ok || a.tag == "" {
			list = append(list, u)
		}
	}
	sorted := "Tag"
	by := func(*poolUse) uint64 { return 0 }
	switch {
	case a.flags&2 != 0:
		sorted, by = "NonPaged Pool Consumed", func(u *poolUse) uint64 { return u.bytes }
	case a.flags&4 != 0:
		sorted, by = "Paged Pool Consumed", func(u *poolUse) uint64 { return u.pBytes }
	}
	slices.SortFunc(list, func(x, y *poolUse) int { return cmp.Or(cmp.Compare(by(y), by(x)), cmp.Compare(x.tag, y.tag)) })
	o.Printf("   Sorting by %s\n  Pool Used:\n            NonPaged            Paged\n Tag    Allocs     Used    Allocs     Used\n", sorted)
	total := poolUse{tag: "TOTAL"}
	for i, u := range list {
		total.allocs, total.bytes = total.allocs+u.allocs, total.bytes+u.bytes
		total.pAllocs, total.pBytes = total.pAllocs+u.pAllocs, total.pBytes+u.pBytes
		if a.rows < 0 || i < a.rows {
			o.poolRow(u)
		}
	}
	o.poolRow(&total)
	for i, t := range trouble {
		if i == maxTroubleLines {
			o.Printf("%d more could not be read\n", len(trouble)-i)
			break
		}
		o.Printf("Not readable: %s\n", escape.Text(t))
	}
	return nil
}

func (o *Out) poolRow(u *poolUse) {
	o.Printf(" %-5s %7d  %8d  %7d  %8d\n", escape.Text(u.tag), u.allocs, u.bytes, u.pAllocs, u.pBytes)
}
