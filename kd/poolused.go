package kd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/holdings"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdPoolused = Command{
	Name: "!poolused", Args: "[Flags [Tag]]",
	Short: "Show what the pools hold, by tag.",
	Long: `Flags: 2 sorts by bytes of nonpaged pool, 4 by bytes of paged pool, 0 by tag; 1 shows allocations and
frees apart, 8 is session pool, 10 adds who holds it: process, port, and the place in the code that
allocated it where that is recorded. /t and a decimal number before or behind the flags shows that many
rows. Tag is four characters, in which * and ? stand for any: only its rows are shown. Allocs are those
that were not freed, but with 1.

Of a Windows dump the numbers are the kernel's own, of all processors; XP counts only where pool tagging
was on, else the blocks are counted one by one. What a tag stands for .pooltag tells.

Of processes of ours, pools that are locked in memory are nonpaged. Section memory is paged and bears the
tag of who allocated it; the memory of a process's sections is counted at the end that allocates in it.`,
	Needs: target.Pools,
}

func init() { cmdPoolused.Run, cmdPoolused.JSON = runPoolused, jsonPoolused }

// Flags of !poolused.
const (
	poolVerbose    = 0x1
	poolByNonPaged = 0x2
	poolByPaged    = 0x4
	poolSession    = 0x8
	poolOwners     = 0x10 // our own
)

// poolArgs are the arguments of !poolused.
type poolArgs struct {
	flags uint64
	tag   tagPattern
	rows  int
}

// parsePoolArgs reads the arguments of a command; which flags it has it knows itself.
func parsePoolArgs(c *Command, args []string) (a poolArgs, err error) {
	a.rows, a.tag = -1, tagPattern{text: "*", any: true}
	plain := 0
	for _, w := range args {
		n, isRows := strings.CutPrefix(strings.ToLower(w), "/t")
		switch {
		case isRows:
			if a.rows, err = strconv.Atoi(n); err != nil || a.rows < 1 {
				return a, fmt.Errorf("%s: %s is no number of rows; /t20 shows 20", c.Name, escape.Text(w))
			}
			continue
		case plain == 0:
			if a.flags, err = number(w); err != nil {
				return a, err
			}
		case plain == 1:
			if a.tag, err = tagOf(w); err != nil {
				return a, err
			}
		default:
			return a, fmt.Errorf("%s is too much; usage: %s %s", escape.Text(w), c.Name, c.Args)
		}
		plain++
	}
	return a, nil
}

func poolusedArgs(args []string) (poolArgs, error) {
	a, err := parsePoolArgs(&cmdPoolused, args)
	if err == nil && a.flags&^(poolVerbose|poolByNonPaged|poolByPaged|poolSession|poolOwners) != 0 {
		err = fmt.Errorf("!poolused: flags %x, expected a sum of 1, 2, 4, 8 and 10", a.flags)
	}
	return a, err
}

// tagUse counts what the target's pools hold, as the target itself does where it can.
func (s *Session) tagUse(ctx context.Context, session bool) (*target.TagCounts, error) {
	if p, ok := s.Target.System().(target.Pooled); ok {
		return p.TagUse(ctx, session)
	}
	c := target.NewCounter("the blocks, counted one by one")
	n := 0
	c.Add(func(yield func(target.Block) bool) {
		for b := range s.Target.System().Blocks("") {
			if n++; n%1024 == 0 && ctx.Err() != nil || !yield(b) {
				return
			}
		}
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return c.Counts(), nil
}

// usedTags are the tags that a line of !poolused asks for, in its order.
func (s *Session) usedTags(ctx context.Context, a poolArgs) (*target.TagCounts, error) {
	c, err := s.tagUse(ctx, a.flags&poolSession != 0)
	if err != nil {
		return nil, fmt.Errorf("!poolused: %w", err)
	}
	c.Tags = slices.DeleteFunc(slices.Clone(c.Tags), func(u target.TagUse) bool {
		had := u.NonPaged.Outstanding() + u.Paged.Outstanding()
		if a.flags&poolVerbose != 0 {
			had = u.NonPaged.Allocs + u.Paged.Allocs
		}
		return had == 0 || !a.tag.matches(u.Tag)
	})
	by := func(target.TagUse) uint64 { return 0 }
	switch {
	case a.flags&poolByNonPaged != 0:
		by = func(u target.TagUse) uint64 { return u.NonPaged.Bytes }
	case a.flags&poolByPaged != 0:
		by = func(u target.TagUse) uint64 { return u.Paged.Bytes }
	}
	slices.SortStableFunc(c.Tags, func(x, y target.TagUse) int {
		return cmp.Or(cmp.Compare(by(y), by(x)), cmp.Compare(string(x.Tag[:]), string(y.Tag[:])))
	})
	return c, nil
}

func runPoolused(ctx context.Context, s *Session, o *Out, args []string) error {
	a, err := poolusedArgs(args)
	if err != nil {
		return err
	}
	c, err := s.usedTags(ctx, a)
	if err != nil {
		return err
	}
	if c.How != "" {
		o.Printf("%s\n\n", escape.Text(c.How))
	}
	sorted := "Tag"
	switch {
	case a.flags&poolByNonPaged != 0:
		sorted = "NonPaged Pool Consumed"
	case a.flags&poolByPaged != 0:
		sorted = "Paged Pool Consumed"
	}
	o.Printf("   Sorting by %s\n  Pool Used:\n", sorted)
	row := o.poolRow
	if a.flags&poolVerbose != 0 {
		row = o.poolRowVerbose
		o.Printf("            NonPaged                                Paged\n Tag    Allocs     Frees      Diff      Used    Allocs     Frees      Diff      Used\n")
	} else {
		o.Printf("            NonPaged            Paged\n Tag    Allocs     Used    Allocs     Used\n")
	}
	var total target.TagUse
	for i, u := range c.Tags {
		total.NonPaged, total.Paged = total.NonPaged.Plus(u.NonPaged), total.Paged.Plus(u.Paged)
		if a.rows < 0 || i < a.rows {
			row(tagText(u.Tag), u, s.tagNote(u.Tag))
		}
	}
	row("TOTAL", total, "")
	s.notes(o, c.Notes, c.More)
	if a.flags&poolOwners != 0 {
		return s.poolOwners(ctx, o, a)
	}
	return nil
}

// tagNote is what is printed behind a row: what the tag is for.
func (s *Session) tagNote(tag [4]byte) string {
	if _, ours := holdings.Ours(s.reader); ours {
		return ownTags[tagText(tag)]
	}
	if s.windows() == nil {
		return ""
	}
	e, known := s.tagTable().Find(tag)
	switch {
	case !known:
		return fmt.Sprintf("UNKNOWN pooltag '%s', please update pooltag.txt", tagText(tag))
	case e.Binary != "":
		return e.Text + " , Binary: " + e.Binary
	}
	return e.Text
}

func (o *Out) poolRow(tag string, u target.TagUse, note string) {
	o.Printf(" %-5s %7d  %8d  %7d  %8d%s\n", escape.Text(tag), u.NonPaged.Outstanding(), u.NonPaged.Bytes, u.Paged.Outstanding(), u.Paged.Bytes, behind(note))
}

func (o *Out) poolRowVerbose(tag string, u target.TagUse, note string) {
	n, p := u.NonPaged, u.Paged
	o.Printf(" %-5s %7d  %8d  %8d  %8d  %8d  %8d  %8d  %8d%s\n", escape.Text(tag), n.Allocs, n.Frees, n.Outstanding(), n.Bytes, p.Allocs, p.Frees, p.Outstanding(), p.Bytes, behind(note))
}

func behind(note string) string {
	if note == "" {
		return ""
	}
	return "\t" + escape.Text(note)
}

// notes prints sentences on what could not be read.
func (s *Session) notes(o *Out, notes []string, more int) {
	if n := len(notes) - maxTroubleLines; n > 0 {
		notes, more = notes[:maxTroubleLines], more+n
	}
	for _, t := range notes {
		o.Printf("Note: %s\n", escape.Text(t))
	}
	if more > 0 {
		o.Printf("Notes like these that are not shown: %d\n", more)
	}
}

// poolOwners prints who holds what, most bytes first.
func (s *Session) poolOwners(ctx context.Context, o *Out, a poolArgs) error {
	if _, ours := holdings.Ours(s.reader); !ours {
		return errors.New("!poolused: this target does not tell who holds what")
	}
	r, err := holdings.Look(ctx, s.reader)
	if err != nil {
		return fmt.Errorf("!poolused: %w", err)
	}
	o.Printf("\n  By owner:\n Tag    Blocks     Bytes  Owner\n")
	rows := 0
	for _, h := range r.Holdings {
		if !a.tag.matches(h.Tag) {
			continue
		}
		if rows++; a.rows >= 0 && rows > a.rows {
			break
		}
		o.Printf(" %-5s %7d  %8d  %s\n", escape.Text(tagText(h.Tag)), h.Blocks, h.Bytes, ownerText(h.Holder, h.Image))
	}
	s.notes(o, r.Trouble, r.More)
	return nil
}

// ownerText names a holder in words: "leaky 4711, port spool, allocated in main.work (work.go:12)".
func ownerText(h holdings.Holder, image string) string {
	if h.Process == 0 { // of a system whose pools belong to nobody
		if h.Paged {
			return "paged pool"
		}
		return "nonpaged pool"
	}
	text := fmt.Sprintf("%s %d", escape.Text(cmp.Or(image, "process")), h.Process)
	if h.Port != "" {
		text += ", port " + escape.Text(h.Port)
	}
	if h.Large {
		text += ", sections"
	}
	if h.Caller != "" {
		text += ", allocated in " + escape.Text(h.Caller)
	}
	return text
}

// poolusedTag is a row of !poolused as JSON.
type poolusedTag struct {
	Tag      string     `json:"tag"`
	NonPaged poolNumber `json:"nonpaged"`
	Paged    poolNumber `json:"paged"`
	Note     string     `json:"description,omitempty"`
}

type poolNumber struct {
	Allocs uint64 `json:"allocs"` // with frees: all there were; else those that were not freed
	Frees  uint64 `json:"frees"`
	Bytes  uint64 `json:"bytes"`
}

func jsonPoolused(ctx context.Context, s *Session, args []string) (any, error) {
	a, err := poolusedArgs(args)
	if err != nil {
		return nil, err
	}
	c, err := s.usedTags(ctx, a)
	if err != nil {
		return nil, err
	}
	v := struct {
		How   string        `json:"how,omitempty"`
		Tags  []poolusedTag `json:"tags"`
		Notes []string      `json:"notes,omitempty"`
	}{How: c.How, Tags: []poolusedTag{}, Notes: c.Notes}
	for i, u := range c.Tags {
		if a.rows >= 0 && i >= a.rows {
			break
		}
		v.Tags = append(v.Tags, poolusedTag{tagText(u.Tag), poolNumber(u.NonPaged), poolNumber(u.Paged), s.tagNote(u.Tag)})
	}
	return v, nil
}
