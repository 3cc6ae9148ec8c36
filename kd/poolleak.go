package kd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/leak"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdPoolleak = Command{
	Name: "!poolleak", Args: "[Tag] [--images Dir]",
	Short: "Find who holds the pool memory of a Windows machine.",
	Long: `Without a tag: what holds most of each pool, and whether its tag names somebody. With one: the modules
whose pages in memory hold the tag's four bytes, and where; files of images in Dir and below are searched
too, since pages of drivers are often paged out. A tag that many drivers share (None, Ddk, MmCm) names
nobody: then what the blocks themselves tell is shown (their sizes, who is charged, how they begin,
pointers into modules and text in a sample), and which modules import the functions that give that tag.
The verdict names its evidence and what could not be looked at.`,
	Needs: target.Pools,
}

func init() { cmdPoolleak.Run, cmdPoolleak.JSON = runPoolleak, jsonPoolleak }

// leakArgs are the arguments of !poolleak.
type leakArgs struct {
	tag    [4]byte
	tagged bool
	images string
}

func parseLeakArgs(args []string) (a leakArgs, err error) {
	for i := 0; i < len(args); i++ {
		switch w := args[i]; {
		case w == "--images":
			if i++; i == len(args) {
				return a, errors.New("!poolleak: --images needs a directory")
			}
			a.images = args[i]
		case strings.HasPrefix(w, "--images="):
			a.images = strings.TrimPrefix(w, "--images=")
		case a.tagged:
			return a, fmt.Errorf("%s is too much; usage: !poolleak %s", escape.Text(w), cmdPoolleak.Args)
		default:
			p, err := tagOf(w)
			if err != nil || p.any {
				return a, fmt.Errorf("!poolleak: %s is no tag: four characters; !poolused takes patterns", escape.Text(w))
			}
			a.tag, a.tagged = p.tag, true
		}
	}
	if a.images != "" && !a.tagged {
		return a, errors.New("!poolleak: --images belongs to a tag")
	}
	return a, nil
}

func runPoolleak(ctx context.Context, s *Session, o *Out, args []string) error {
	a, err := parseLeakArgs(args)
	if err != nil {
		return err
	}
	if _, err := s.windowsDump("!poolleak"); err != nil {
		return err
	}
	if !a.tagged {
		return s.rankHolders(ctx, o)
	}
	use, err := s.tagUse(ctx, false)
	if err != nil {
		return fmt.Errorf("!poolleak: %w", err)
	}
	r, err := s.lookAtTag(ctx, a)
	if err != nil {
		return err
	}
	s.printLeak(o, a, use, r)
	return nil
}

// lookAtTag looks at the blocks of a tag.
func (s *Session) lookAtTag(ctx context.Context, a leakArgs) (*leak.Result, error) {
	in := s.leakInput(a.tag)
	in.Images = a.images
	in.Blocks = func(yield func(target.Block) bool) {
		p, _ := s.Target.System().(target.Pooled)
		match := func(tag [4]byte) bool { return tag == a.tag }
		for _, k := range []target.PoolKind{target.NonPaged, target.Paged} {
			ranges, _, err := p.PoolRanges(k)
			if err != nil && !yield(target.Block{Err: fmt.Errorf("%s pool: %w", k, err)}) {
				return
			}
			if _, _, big, err := p.BigTable(k); err != nil {
				if k == target.NonPaged && !yield(target.Block{Err: err}) {
					return
				}
			} else {
				for b := range big {
					if (b.Err != nil || match(b.Tag)) && !yield(b) {
						return
					}
				}
			}
			for _, r := range ranges {
				for b := range p.RangeBlocks(ctx, r, match) {
					if !yield(b) {
						return
					}
				}
			}
		}
	}
	r, err := leak.Look(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("!poolleak: %s", escape.Text(err.Error()))
	}
	return r, nil
}

// leakInput is what !poolleak knows without the blocks.
func (s *Session) leakInput(tag [4]byte) leak.Input {
	in := leak.Input{Tag: tag, Memory: s.Target, Pointer: s.Target.PointerSize(), Blocks: func(func(target.Block) bool) {}}
	for _, m := range s.images(s.windows().Dump()).loaded {
		in.Modules = append(in.Modules, leak.Module{Name: m.Name, Base: m.Base, Size: m.Size, Kernel: m.Short() == "nt" || leak.IsKernel(m.Name)})
	}
	return in
}

// jsonPoolleak is the ranking, or what was found of a tag.
func jsonPoolleak(ctx context.Context, s *Session, args []string) (any, error) {
	a, err := parseLeakArgs(args)
	if err != nil {
		return nil, err
	}
	if _, err := s.windowsDump("!poolleak"); err != nil {
		return nil, err
	}
	if !a.tagged {
		c, err := s.tagUse(ctx, false)
		if err != nil {
			return nil, err
		}
		return rankJSON(c), nil
	}
	r, err := s.lookAtTag(ctx, a)
	if err != nil {
		return nil, err
	}
	return leakJSON(a, r), nil
}

// A leakPlace, leakImporter and leakPointer are parts of what is found as JSON.
type (
	leakPlace struct {
		Module  string `json:"module"`
		File    string `json:"file,omitempty"`
		RVA     uint64 `json:"rva"`
		Section string `json:"section,omitempty"`
		Operand string `json:"operand_of,omitempty"`
		Count   int    `json:"count"`
	}
	leakImporter struct {
		Module string   `json:"module"`
		File   string   `json:"file,omitempty"`
		Names  []string `json:"functions"`
		How    string   `json:"by"`
	}
	leakPointer struct {
		Module string `json:"module"`
		Blocks int    `json:"blocks"`
		Offset int    `json:"offset"`
		Target uint64 `json:"target"`
	}
	leakSize struct {
		Size  uint64 `json:"size"`
		Count uint64 `json:"count"`
	}
)

// escaped escapes each.
func escaped(list []string) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = escape.Text(t)
	}
	return out
}

func leakJSON(a leakArgs, r *leak.Result) any {
	v := struct {
		Tag       string         `json:"tag"`
		Nameless  bool           `json:"names_nobody"`
		Blocks    uint64         `json:"blocks"`
		Bytes     uint64         `json:"bytes"`
		Sizes     []leakSize     `json:"sizes"`
		Sampled   int            `json:"sampled"`
		Pointers  []leakPointer  `json:"pointers"`
		Places    []leakPlace    `json:"places"`
		Importers []leakImporter `json:"importers"`
		Module    string         `json:"module,omitempty"`
		Verdict   string         `json:"verdict"`
		Evidence  []string       `json:"evidence"`
		Missing   []string       `json:"not_known"`
	}{
		Tag: escape.Text(tagText(a.tag)), Nameless: r.Nameless, Blocks: r.Blocks.Count, Bytes: r.Blocks.Bytes, Sampled: r.Content.Sampled,
		Sizes: []leakSize{}, Pointers: []leakPointer{}, Places: []leakPlace{}, Importers: []leakImporter{},
		Module: escape.Text(r.Verdict.Module), Verdict: escape.Text(r.Verdict.Text), Evidence: escaped(r.Verdict.Evidence), Missing: escaped(r.Verdict.Missing),
	}
	for _, x := range r.Blocks.Sizes {
		v.Sizes = append(v.Sizes, leakSize(x))
	}
	for _, p := range r.Content.Pointers {
		v.Pointers = append(v.Pointers, leakPointer{escape.Text(p.Module), p.Blocks, p.Offset, p.Target})
	}
	for _, p := range r.Places {
		v.Places = append(v.Places, leakPlace{escape.Text(p.Module), escape.Text(p.File), p.RVA, escape.Text(p.Section), p.Code, p.Count})
	}
	for _, i := range r.Import {
		v.Importers = append(v.Importers, leakImporter{escape.Text(i.Module), escape.Text(i.File), slices.Clone(i.Names), i.How})
	}
	return v
}
