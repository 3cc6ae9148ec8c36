package kd

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/holdings"
	"github.com/seed-eedd8485/lpc/kd/leak"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

// rankRows is how many holders of a pool are shown.
const rankRows = 10

// poolState is how full a pool is, by the kernel's counters. Numbers are pages.
type poolState struct {
	used, most uint64
	why        string // why they are not known
}

// poolStates are those of nonpaged and paged pool.
func (s *Session) poolStates() (nonPaged, paged poolState) {
	v := &vmReport{d: s.windows().Dump()}
	if nonPaged.used, nonPaged.why = v.nonPagedPool(); nonPaged.why == "" {
		most, why := v.number(ntdump.MmMaximumNonPagedPoolInBytes)
		nonPaged.most, nonPaged.why = most/pageBytes, why
	}
	var each []uint64
	if each, paged.why = v.pagedPools(); paged.why == "" {
		for _, n := range each {
			paged.used += n
		}
		most, why := v.number(ntdump.MmSizeOfPagedPoolInBytes)
		paged.most, paged.why = most/pageBytes, why
	}
	return nonPaged, paged
}

// holder is a tag's part of a pool.
type holder struct {
	tag   [4]byte
	count target.PoolCount
}

// holders are the tags that hold some of a pool, most bytes first, and their sum.
func holders(c *target.TagCounts, paged bool) (list []holder, bytes uint64) {
	for _, u := range c.Tags {
		n := u.NonPaged
		if paged {
			n = u.Paged
		}
		if n.Bytes > 0 {
			list = append(list, holder{u.Tag, n})
			bytes += n.Bytes
		}
	}
	slices.SortStableFunc(list, func(a, b holder) int { return cmp.Compare(b.count.Bytes, a.count.Bytes) })
	return list, bytes
}

// rankHolders is !poolleak without a tag.
func (s *Session) rankHolders(ctx context.Context, o *Out) error {
	c, err := s.tagUse(ctx, false)
	if err != nil {
		return fmt.Errorf("!poolleak: %w", err)
	}
	if c.How != "" {
		o.Printf("%s\n\n", escape.Text(c.How))
	}
	nonPaged, paged := s.poolStates()
	s.rankPool(o, "Nonpaged pool", nonPaged, c, false)
	o.Printf("\n")
	s.rankPool(o, "Paged pool", paged, c, true)
	s.notes(o, c.Notes, c.More)
	return s.rankVerdict(ctx, o, c, nonPaged, paged)
}

func (s *Session) rankPool(o *Out, name string, p poolState, c *target.TagCounts, paged bool) {
	list, bytes := holders(c, paged)
	word := "NonPaged"
	if paged {
		word = "Paged"
	}
	switch {
	case p.why != "":
		o.Printf("%s: how full it is is not known: %s\n", name, escape.Text(p.why))
	default:
		o.Printf("%s: %d of %d pages in use (%d%%), %d bytes of them counted by tag\n", name, p.used, p.most, percent(p.used, p.most), bytes)
		if holdings.Nears(p.used, p.most) {
			o.Printf("********** Excessive %s Pool Usage *****\n", word)
		}
	}
	o.Printf(" Rank  Tag    Blocks       Bytes  Share\n")
	for i, h := range list {
		if i == rankRows {
			o.Printf("       %d more tags\n", len(list)-i)
			break
		}
		note := s.tagNote(h.tag)
		if _, nameless := leak.Nameless(h.tag); nameless {
			note += " (names nobody)"
		}
		o.Printf(" %4d  %-5s %7d  %10d  %4d%%%s\n", i+1, escape.Text(tagText(h.tag)), h.count.Outstanding(), h.count.Bytes, percent(h.count.Bytes, bytes), behind(note))
	}
}

func percent(n, of uint64) uint64 {
	if of == 0 {
		return 0
	}
	if n > ^uint64(0)/100 {
		return n / (of/100 + 1)
	}
	return n * 100 / of
}

// rankVerdict says which holder to look at, in the pool that is fuller.
func (s *Session) rankVerdict(ctx context.Context, o *Out, c *target.TagCounts, nonPaged, paged poolState) error {
	name, usePaged := "nonpaged pool", false
	if nonPaged.why == "" && paged.why == "" && percent(paged.used, paged.most) > percent(nonPaged.used, nonPaged.most) {
		name, usePaged = "paged pool", true
	}
	list, bytes := holders(c, usePaged)
	o.Printf("\n")
	if len(list) == 0 {
		o.Printf("Verdict: nothing is counted in %s\n", name)
		return nil
	}
	h := list[0]
	tag := escape.Text(tagText(h.tag))
	o.Printf("Verdict: %s holds most of %s: %d blocks, %d bytes, %d%% of what is counted\n", tag, name, h.count.Outstanding(), h.count.Bytes, percent(h.count.Bytes, bytes))
	calls, nameless := leak.Nameless(h.tag)
	if !nameless {
		o.Printf("  !poolleak %s searches the modules for that tag\n", quoted(tag))
		return nil
	}
	r, err := leak.Importers(ctx, s.leakInput(h.tag))
	if err != nil {
		return err
	}
	o.Printf("  The tag names nobody: drivers get it that call %s\n", strings.Join(calls, ", "))
	s.printImporters(o, r)
	o.Printf("  !poolleak %s looks into the blocks\n", quoted(tag))
	return nil
}

// quoted is a tag as it is typed: in quotes where it has blanks.
func quoted(tag string) string {
	if strings.Contains(tag, " ") {
		return `"` + tag + `"`
	}
	return tag
}

// rankJSON is the ranking for scripts.
func rankJSON(c *target.TagCounts) any {
	type row struct {
		Tag      string `json:"tag"`
		Blocks   uint64 `json:"blocks"`
		Bytes    uint64 `json:"bytes"`
		Nameless bool   `json:"names_nobody"`
	}
	rows := func(paged bool) []row {
		out := []row{}
		list, _ := holders(c, paged)
		for _, h := range list {
			_, nameless := leak.Nameless(h.tag)
			out = append(out, row{escape.Text(tagText(h.tag)), h.count.Outstanding(), h.count.Bytes, nameless})
		}
		return out
	}
	return struct {
		NonPaged []row `json:"nonpaged"`
		Paged    []row `json:"paged"`
	}{rows(false), rows(true)}
}
