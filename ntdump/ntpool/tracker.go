package ntpool

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/ntdump"
)

// Use is what the kernel counted of a tag.
type Use struct {
	Tag             [4]byte
	NonPaged, Paged Count
}

// Count counts allocations since the machine started.
type Count struct {
	Allocs, Frees uint64
	Bytes         uint64 // of those that were not freed
}

// Counts are the kernel's counts by tag.
type Counts struct {
	Tags   []Use // by tag
	Tables int   // that were added up
	Notes  []string
}

// ErrNoTags is what Tracker returns where the kernel counts nothing by tag: pool
// tagging is off, as it is on XP unless a global flag says otherwise.
var ErrNoTags = errors.New("pool tagging is off")

// maxTracker bounds a table, maxTables the number of them: one a processor.
const (
	maxTracker = 1 << 18
	maxTables  = 1 << 11
)

// Tracker adds up the kernel's tables of tags: the global one, and those of the
// processors and the expansion where symbols say where they are.
func (r *Reader) Tracker() (*Counts, error) {
	f, err := r.trackerFields()
	if err != nil {
		return nil, err
	}
	global, ok := r.variable(ntdump.PoolTrackTable)
	if !ok {
		if global, ok = r.symbol("PoolTrackTable", 0); !ok {
			return nil, errors.New("where the table of tags stands (PoolTrackTable) cannot be read")
		}
	}
	if global == 0 {
		return nil, ErrNoTags
	}
	c := &Counts{}
	size, how := r.trackerSize()
	if how != "" {
		c.Notes = append(c.Notes, how)
	}
	sum := map[[4]byte]*Use{}
	seen := map[uint64]bool{}
	add := func(at, count uint64, name string) {
		if at == 0 || seen[at] {
			return
		}
		seen[at] = true
		c.Tables++
		err := r.table(at, min(count, maxTracker), f.size, func(e []byte) bool { return f.add(sum, e, how != "") })
		var gone *ntdump.Absent
		if how != "" && errors.As(err, &gone) && gone.Reason == ntdump.NotMapped {
			err = nil // its pages end
		}
		if err != nil {
			c.Notes = append(c.Notes, fmt.Sprintf("%s at %#x breaks off: %v", name, at, err))
		}
	}
	add(global, size, "the table of tags")
	r.perProcessor(c, size, add)
	if at, ok := r.symbol("PoolTrackTableExpansion", 0); ok {
		if n, ok := r.symbol("PoolTrackTableExpansionSize", 0); ok {
			add(at, n, "the table's expansion")
		}
	}
	negative := 0
	for _, u := range sum {
		if !f.wrap(&u.NonPaged) || !f.wrap(&u.Paged) {
			negative++
			continue
		}
		c.Tags = append(c.Tags, *u)
	}
	if negative > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("%d tags are left out, of which more was freed than allocated: the tables that were read are not all of them", negative))
	}
	if len(c.Tags) == 0 {
		return nil, ErrNoTags
	}
	slices.SortFunc(c.Tags, func(a, b Use) int { return cmp.Compare(string(a.Tag[:]), string(b.Tag[:])) })
	return c, nil
}

// perProcessor adds the tables of the processors.
func (r *Reader) perProcessor(c *Counts, size uint64, add func(at, count uint64, name string)) {
	at, ok := r.d.Symbol("ExPoolTagTables")
	if !ok {
		if r.d.Header().CPUs > 1 && r.d.Header().Build > xp {
			c.Notes = append(c.Notes, "where the tables of the single processors stand needs symbols (ExPoolTagTables): what they count is missing here")
		}
		return
	}
	ptr := uint64(r.d.PointerSize())
	for i := range uint64(min(max(r.d.Header().CPUs, 1), maxTables)) {
		p, err := r.d.Pointer(ntdump.Space{}, at+i*ptr)
		if err != nil {
			c.Notes = append(c.Notes, fmt.Sprintf("where the table of processor %d stands cannot be read: %v", i, err))
			return
		}
		add(p, size, fmt.Sprintf("the table of processor %d", i))
	}
}

// trackerSize is the number of entries of a table. how says why it is not known, and
// where it then ends.
func (r *Reader) trackerSize() (n uint64, how string) {
	if n, ok := r.symbol("PoolTrackTableSize", 0); ok && n > 0 && n <= maxTracker {
		return n, ""
	}
	// From NT 6 on the word in front of the variable has it (reference 4).
	if at, ok := r.d.Debugger().Address(ntdump.PoolTrackTable); ok && r.d.Header().Build >= vista {
		if n, err := r.d.Pointer(ntdump.Space{}, at-uint64(r.d.PointerSize())); err == nil && n > 0 && n <= maxTracker {
			return n, ""
		}
	}
	return maxTracker, "how long the table of tags is needs symbols (PoolTrackTableSize): it is read up to the first entry that can be none"
}

// trackerFields are where the members of an entry stand.
type trackerFields struct {
	size, key, ptr int
	np, pg         [3]isf.Field // Allocs, Frees, Bytes
}

func (r *Reader) trackerFields() (*trackerFields, error) {
	l := r.types.Layout("_POOL_TRACKER_TABLE")
	if l == nil || l.Size < 16 || l.Size > 256 {
		return nil, fmt.Errorf("_POOL_TRACKER_TABLE is not described in %s", r.types.Source())
	}
	f := &trackerFields{size: l.Size, ptr: r.d.PointerSize()}
	key, err := isf.Find(r.types, l, "Key")
	if err != nil {
		return nil, err
	}
	f.key = key.Offset
	for i, name := range []string{"Allocs", "Frees", "Bytes"} {
		for _, m := range []struct {
			name string
			to   *isf.Field
		}{{"NonPaged" + name, &f.np[i]}, {"Paged" + name, &f.pg[i]}} {
			x, err := isf.Find(r.types, l, m.name)
			if err != nil {
				return nil, err
			}
			if x.Type.Size != 4 && x.Type.Size != 8 || x.Offset < 0 || x.Offset+x.Type.Size > l.Size {
				return nil, fmt.Errorf("%s puts %s outside of _POOL_TRACKER_TABLE", r.types.Source(), m.name)
			}
			*m.to = x
		}
	}
	if f.key < 0 || f.key+4 > l.Size {
		return nil, fmt.Errorf("%s puts Key outside of _POOL_TRACKER_TABLE", r.types.Source())
	}
	return f, nil
}

// add adds an entry. Where the table's end is not known, an entry that can be none
// ends it.
func (f *trackerFields) add(sum map[[4]byte]*Use, e []byte, careful bool) bool {
	key := e[f.key : f.key+4]
	get := func(x isf.Field) uint64 { return ntdump.Word(e[x.Offset:], x.Type.Size) }
	if ntdump.Word(key, 4) == 0 {
		empty := true
		for _, b := range e {
			empty = empty && b == 0
		}
		return empty || !careful
	}
	if careful && !plausible(key) {
		return false
	}
	tag := [4]byte{key[0], key[1], key[2], key[3] &^ 0x80}
	u := sum[tag]
	if u == nil {
		if len(sum) >= maxTracker {
			return false
		}
		u = &Use{Tag: tag}
		sum[tag] = u
	}
	for _, p := range []struct {
		c *Count
		f *[3]isf.Field
	}{{&u.NonPaged, &f.np}, {&u.Paged, &f.pg}} {
		p.c.Allocs += get(p.f[0])
		p.c.Frees += get(p.f[1])
		p.c.Bytes += get(p.f[2])
	}
	return true
}

// wrap undoes what adding up did. Memory that one processor took and another gave back
// makes a table's bytes negative, in the width of the table's numbers; a count that
// went round makes more frees than allocations. It returns false where the sum is
// negative still: half of a count's range is more than any machine had.
func (f *trackerFields) wrap(c *Count) bool {
	bits, wide := 8*f.np[0].Type.Size, 8*f.np[2].Type.Size
	left := c.Allocs - c.Frees
	if bits == 32 {
		left &= 0xffffffff
	}
	if wide == 32 {
		c.Bytes &= 0xffffffff
	}
	c.Allocs = c.Frees + left
	return left>>(bits-1) == 0 && c.Bytes>>(wide-1) == 0
}
