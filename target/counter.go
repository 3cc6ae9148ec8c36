package target

import (
	"cmp"
	"iter"
	"slices"
)

// Counter counts blocks by tag, for systems that did not count themselves.
type Counter struct {
	how   string
	by    map[[4]byte]*TagUse
	notes []string
	more  int // notes beyond those that are kept
}

// maxCounterNotes bounds the notes that are kept.
const maxCounterNotes = 20

// NewCounter begins a count; how is TagCounts.How.
func NewCounter(how string) *Counter {
	return &Counter{how: how, by: map[[4]byte]*TagUse{}}
}

// Add counts those of the blocks that are allocated. What could not be read becomes a
// note.
func (c *Counter) Add(blocks iter.Seq[Block]) {
	for b := range blocks {
		if b.Err != nil {
			c.Note(b.Err.Error())
			continue
		}
		if !b.Allocated {
			continue
		}
		tag := b.Tag
		tag[3] &^= 0x80 // a protected tag
		u := c.by[tag]
		if u == nil {
			u = &TagUse{Tag: tag}
			c.by[tag] = u
		}
		p := &u.NonPaged
		if b.Paged {
			p = &u.Paged
		}
		p.Allocs, p.Bytes = p.Allocs+1, p.Bytes+b.Size
	}
}

// Note notes what is missing; "" is nothing.
func (c *Counter) Note(note string) {
	if note == "" {
		return
	}
	if len(c.notes) == maxCounterNotes {
		c.more++
		return
	}
	c.notes = append(c.notes, note)
}

// Counts are the counts so far, by tag.
func (c *Counter) Counts() *TagCounts {
	out := &TagCounts{How: c.how, Notes: slices.Clone(c.notes), More: c.more}
	for _, u := range c.by {
		out.Tags = append(out.Tags, *u)
	}
	slices.SortFunc(out.Tags, func(a, b TagUse) int { return cmp.Compare(string(a.Tag[:]), string(b.Tag[:])) })
	return out
}
