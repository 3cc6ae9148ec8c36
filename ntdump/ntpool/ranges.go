package ntpool

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// Kind is one of the kernel's pools.
type Kind uint8

// Kinds.
const (
	NonPaged Kind = iota
	Paged
	Special
	Session
)

// Range is a stretch of a pool: the addresses from Start up to End, in the space of
// the process that runs a session where Space is set.
type Range struct {
	Kind       Kind
	Start, End uint64
	Space      ntdump.Space
	// Loose: pages of other uses lie in it too, which only their content tells.
	Loose bool
}

// Ranges are those of a pool. note says what is not known of them.
func (r *Reader) Ranges(k Kind) (list []Range, note string, err error) {
	if r.err != nil {
		return nil, "", r.err
	}
	switch k {
	case NonPaged:
		list, note, err = r.nonPaged()
	case Paged:
		list, err = r.pair(k, "MmPagedPoolStart", "MmPagedPoolEnd", ntdump.MmPagedPoolStart, ntdump.MmPagedPoolEnd)
	case Special:
		list, err = r.pair(k, "MmSpecialPoolStart", "MmSpecialPoolEnd", 0, 0)
	case Session:
		list, err = r.session()
	default:
		err = fmt.Errorf("there is no pool of kind %d", k)
	}
	return list, note, err
}

// pair is the range between two variables.
func (r *Reader) pair(k Kind, startName, endName string, start, end ntdump.Field) ([]Range, error) {
	from, ok := r.named(startName, start)
	to, ok2 := r.named(endName, end)
	switch {
	case !ok || !ok2:
		return nil, fmt.Errorf("where the pool stands is not known: %s and %s %s", startName, endName, needs(start))
	case from == 0 && to == 0:
		return nil, errors.New("there is no such pool on this machine")
	case from%pageBytes != 0 || to <= from:
		return nil, fmt.Errorf("%s is %#x and %s is %#x, expected whole pages between them", startName, from, endName, to)
	}
	return []Range{{Kind: k, Start: from, End: to}}, nil
}

// named reads a variable by the debugger data, else by its symbol.
func (r *Reader) named(symbol string, f ntdump.Field) (uint64, bool) {
	if f != 0 {
		if v, ok := r.variable(f); ok {
			return v, true
		}
	}
	return r.symbol(symbol, 0)
}

func needs(f ntdump.Field) string {
	if f != 0 {
		return "cannot be read"
	}
	return "need symbols"
}

// nonPaged are the two ranges of nonpaged pool: that of the start, and that by which
// it grows. The debugger data has the start of the first and the end of the second.
func (r *Reader) nonPaged() ([]Range, string, error) {
	whole, err := r.pair(NonPaged, "MmNonPagedPoolStart", "MmNonPagedPoolEnd", ntdump.MmNonPagedPoolStart, ntdump.MmNonPagedPoolEnd)
	if err != nil {
		return nil, "", err
	}
	start, end := whole[0].Start, whole[0].End
	end0, ok := r.symbol("MmNonPagedPoolEnd0", 0)
	expansion, ok2 := r.symbol("MmNonPagedPoolExpansionStart", 0)
	if ok && ok2 && start < end0 && end0 <= expansion && expansion < end {
		return []Range{{Kind: NonPaged, Start: start, End: end0}, {Kind: NonPaged, Start: expansion, End: end}}, "", nil
	}
	note := "where the first part of nonpaged pool ends needs symbols (MmNonPagedPoolEnd0): all addresses from its start to its end are searched, and pages of other uses are told by their content"
	return r.without(Range{Kind: NonPaged, Start: start, End: end, Loose: true}), note, nil
}

// without takes out of a loose range what is known to be something else: paged pool,
// and images.
func (r *Reader) without(rg Range) []Range {
	var cuts []Range
	if p, err := r.pair(Paged, "", "", ntdump.MmPagedPoolStart, ntdump.MmPagedPoolEnd); err == nil {
		cuts = append(cuts, p...)
	}
	modules, _ := r.d.Modules() // without the list, images are told by their content
	for _, m := range modules {
		if m.Size > 0 && m.Base+m.Size > m.Base {
			cuts = append(cuts, Range{Start: m.Base &^ (pageBytes - 1), End: (m.Base + m.Size + pageBytes - 1) &^ (pageBytes - 1)})
		}
	}
	slices.SortFunc(cuts, func(a, b Range) int { return cmp.Compare(a.Start, b.Start) })
	var out []Range
	for _, c := range cuts {
		if c.End <= rg.Start || c.Start >= rg.End {
			continue
		}
		if c.Start > rg.Start {
			part := rg
			part.End = c.Start
			out = append(out, part)
		}
		rg.Start = max(rg.Start, c.End)
	}
	if rg.Start < rg.End {
		out = append(out, rg)
	}
	return out
}

// session is the pool of the session whose process ran: its addresses are those of
// another pool in every session.
func (r *Reader) session() ([]Range, error) {
	list, err := r.pair(Session, "MiSessionPoolStart", "MiSessionPoolEnd", 0, 0)
	if err != nil {
		return nil, err
	}
	at, ok := r.d.CurrentProcess()
	if !ok {
		return nil, errors.New("the dump does not tell which process ran: session pool is that of a session")
	}
	dtb, err := r.d.Member(at, "_EPROCESS", "Pcb.DirectoryTableBase[0]")
	if err != nil {
		return nil, err
	}
	list[0].Space = ntdump.Space{DTB: dtb}
	return list, nil
}
