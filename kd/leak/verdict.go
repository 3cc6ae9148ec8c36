package leak

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Verdict is what the evidence comes to.
type Verdict struct {
	Module   string // "" where no single one is named
	Text     string // a sentence
	Evidence []string
	Missing  []string // what could change it
}

// judge makes the verdict.
func (r *Result) judge() {
	v := &r.Verdict
	switch {
	case r.Blocks.Count == 0 && len(r.Places) == 0:
		v.Text = "No block with this tag is in the pools, and no module holds it."
	case r.Blocks.Count == 0:
		v.Text = fmt.Sprintf("No block with this tag is in the pools; %s holds its four bytes.", r.Places[0].Module)
	case r.Nameless && !r.named():
		r.judgeNameless(v)
	default:
		r.judgePlaces(v)
	}
	r.missing(v)
}

// named says whether code that names a tag is all there is to go by: a tag that drivers
// get from the driver kit's headers stands in each of them.
func (r *Result) named() bool {
	pointed := slices.ContainsFunc(r.Content.Pointers, func(p Pointer) bool { return !p.Kernel && p.Blocks*100 >= telling*max(r.Content.Readable, 1) })
	return !pointed && slices.ContainsFunc(r.Places, func(p Place) bool { return p.Code != "" })
}

// telling is how many of a hundred sampled blocks must point into a module before that
// says something.
const telling = 10

// candidate is a module that may hold the blocks of a nameless tag.
type candidate struct {
	name    string
	pointer Pointer
	imports []string
	known   bool // whether it imports an allocator could be read
	tag     bool // it holds the tag's bytes as an operand
	loaded  bool
}

func (r *Result) candidates() []candidate {
	by := map[string]*candidate{}
	get := func(name string) *candidate {
		key := strings.ToLower(name)
		if by[key] == nil {
			by[key] = &candidate{name: name, known: true, loaded: true}
		}
		return by[key]
	}
	for _, p := range r.Content.Pointers {
		if !p.Kernel && p.Blocks*100 >= telling*max(r.Content.Readable, 1) {
			get(p.Module).pointer = p
		}
	}
	for _, i := range r.Import {
		c := get(i.Module)
		c.imports = append(c.imports, i.Names...)
		c.loaded = i.Loaded
	}
	for _, p := range r.Places {
		if !p.Kernel && p.Code != "" {
			get(p.Module).tag = true
		}
	}
	for _, u := range r.Unread {
		if c := by[strings.ToLower(u.Name)]; c != nil && len(c.imports) == 0 {
			c.known = false
		}
	}
	out := make([]candidate, 0, len(by))
	shared := slices.ContainsFunc(r.Places, func(p Place) bool { return p.Code != "" })
	for _, c := range by {
		if shared && !c.tag { // a function that takes any tag says nothing without the tag
			c.imports = nil
			if c.pointer.Blocks == 0 {
				continue
			}
		}
		slices.Sort(c.imports)
		c.imports = slices.Compact(c.imports)
		out = append(out, *c)
	}
	could := func(c candidate) int {
		if len(c.imports) > 0 || !c.known {
			return 1
		}
		return 0
	}
	slices.SortFunc(out, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.pointer.Blocks*could(b), a.pointer.Blocks*could(a)), cmp.Compare(b.pointer.Blocks, a.pointer.Blocks), cmp.Compare(unloaded(a), unloaded(b)), cmp.Compare(len(b.imports), len(a.imports)), cmp.Compare(a.name, b.name))
	})
	return out
}

func unloaded(c candidate) int {
	if c.loaded {
		return 0
	}
	return 1
}

// judgeNameless weighs pointers in the blocks against imports: a pointer says something
// of the blocks, an import only that a module could have made them.
func (r *Result) judgeNameless(v *Verdict) {
	list := r.candidates()
	calls := strings.Join(r.Names, ", ")
	var importers, away []string
	var imports []string
	for _, c := range list {
		switch {
		case len(c.imports) > 0 && c.loaded:
			importers = append(importers, c.name)
			imports = append(imports, c.imports...)
		case len(c.imports) > 0:
			away = append(away, c.name)
		}
	}
	slices.Sort(imports)
	imports = slices.Compact(imports)
	if len(list) > 0 && list[0].pointer.Blocks > 0 {
		c := list[0]
		v.Module = c.name
		v.Evidence = append(v.Evidence, fmt.Sprintf("%d of %d sampled blocks hold a pointer into %s", c.pointer.Blocks, r.Content.Readable, c.name))
		switch {
		case len(c.imports) > 0:
			v.Text = fmt.Sprintf("%s holds these blocks, as far as they tell.", c.name)
			v.Evidence = append(v.Evidence, fmt.Sprintf("%s imports %s", c.name, strings.Join(c.imports, ", ")))
			if len(importers) == 1 {
				v.Evidence = append(v.Evidence, "no other module does whose imports can be read")
			} else if len(list) < 2 || list[1].pointer.Blocks == 0 {
				others := slices.DeleteFunc(slices.Clone(importers), func(n string) bool { return n == c.name })
				v.Evidence = append(v.Evidence, "others import them too, and the sampled blocks do not point into those: "+strings.Join(others, ", "))
			}
		case !c.known:
			v.Text = fmt.Sprintf("%s holds these blocks, probably.", c.name)
			v.Missing = append(v.Missing, fmt.Sprintf("whether %s imports %s cannot be read", c.name, calls))
		default:
			v.Text = fmt.Sprintf("The blocks belong to %s, but somebody else allocated them.", c.name)
			v.Evidence = append(v.Evidence, fmt.Sprintf("%s imports none of %s", c.name, calls))
		}
		if len(list) > 1 && list[1].pointer.Blocks > 0 {
			v.Missing = append(v.Missing, fmt.Sprintf("%d of the sampled blocks point into %s", list[1].pointer.Blocks, list[1].name))
		}
		return
	}
	silent := "the blocks themselves do not say: none of the sampled ones points into a driver"
	switch len(importers) {
	case 0:
		v.Text = "Nobody is named: no block points into a driver, and no driver that is loaded and whose imports can be read imports " + calls + "."
	case 1:
		v.Module = importers[0]
		v.Text = fmt.Sprintf("%s, as the only driver that can have made them.", importers[0])
		v.Evidence = append(v.Evidence, "of those that are loaded it alone imports "+strings.Join(imports, ", "), silent)
	default:
		v.Text = fmt.Sprintf("One of %d drivers: %s.", len(importers), strings.Join(importers, ", "))
		v.Evidence = append(v.Evidence, "they import "+strings.Join(imports, ", "), silent)
	}
	if len(away) > 0 {
		v.Missing = append(v.Missing, "whether one of these made them before it was unloaded: "+strings.Join(away, ", "))
	}
}

// judgePlaces weighs where the tag stands.
func (r *Result) judgePlaces(v *Verdict) {
	var operand, other, away []string
	for _, p := range r.Places {
		switch {
		case p.Kernel:
		case !p.Loaded:
			if p.Code != "" && !slices.Contains(away, p.Module) {
				away = append(away, p.Module)
			}
		case p.Code != "" && !slices.Contains(operand, p.Module):
			operand = append(operand, p.Module)
		case p.Code == "" && !slices.Contains(other, p.Module):
			other = append(other, p.Module)
		}
	}
	kernel := slices.ContainsFunc(r.Places, func(p Place) bool { return p.Kernel && p.Code != "" })
	switch {
	case len(operand) == 1:
		v.Module = operand[0]
		v.Text = operand[0] + " holds these blocks: its code alone names the tag."
		if kernel {
			v.Text = operand[0] + ", or the kernel itself: the code of both names the tag."
			v.Module = ""
		}
	case len(operand) > 1:
		v.Text = fmt.Sprintf("One of %d modules whose code names the tag: %s.", len(operand), strings.Join(operand, ", "))
	case kernel:
		v.Text = "The kernel allocates under this tag: its code names it. Who made it do so, the tag does not say."
	case len(away) > 0:
		v.Text = "No loaded module names the tag. Code of drivers that are not loaded does: " + strings.Join(away, ", ") + ". One that was unloaded may have left the blocks."
	case len(other) > 0:
		v.Text = "The four bytes stand in " + strings.Join(other, ", ") + ", but not as an operand of an instruction that allocates: that may be chance."
	default:
		v.Text = "No module in memory holds the four bytes."
		v.Missing = append(v.Missing, "pages of drivers that are paged out or not in the dump: --images DIR searches the files")
	}
	for _, p := range r.Content.Pointers {
		if !p.Kernel && p.Blocks*100 >= telling*max(r.Content.Readable, 1) {
			v.Evidence = append(v.Evidence, fmt.Sprintf("%d of %d sampled blocks hold a pointer into %s", p.Blocks, r.Content.Readable, p.Module))
		}
	}
}

// missing says what could not be looked at.
func (r *Result) missing(v *Verdict) {
	if n := len(r.Unread); n > 0 {
		v.Missing = append(v.Missing, fmt.Sprintf("%d modules or files could not be looked at", n))
	}
	if c := r.Content; c.Sampled > c.Readable {
		v.Missing = append(v.Missing, fmt.Sprintf("%d of %d sampled blocks are not in the dump", c.Sampled-c.Readable, c.Sampled))
	}
}
