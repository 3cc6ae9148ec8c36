package ntdump

import "fmt"

// links is how a list of LIST_ENTRYs is walked.
type links struct {
	space   Space
	pointer int // bytes of a link
	offset  int // of the link that is followed: 0 forward, pointer backward
	limit   int // entries at most
	// bad is why an address can be no entry, behind "ADDRESS in the one at ADDRESS"; ""
	// where it can be one.
	bad func(entry uint64) string
}

// walkList visits the entries of a LIST_ENTRY of the kernel whose head stands at head,
// forward. It ends at the head; without an error it was whole. visit returns false to
// stop. At most limit entries are visited, and an entry that comes twice is an error.
func (d *Dump) walkList(s Space, head uint64, limit int, visit func(entry uint64) bool) error {
	if d.header.Bits == 32 {
		head &= 0xffffffff
	}
	return d.walkLinks(links{space: s, pointer: d.PointerSize(), limit: limit, bad: func(at uint64) string {
		if d.kernel(at) {
			return ""
		}
		return "is no address of the kernel"
	}}, head, visit)
}

// walkLinks is walkList for any list.
func (d *Dump) walkLinks(l links, head uint64, visit func(entry uint64) bool) error {
	seen := make(map[uint64]struct{})
	prev := head
	at, err := d.Number(l.space, head+uint64(l.offset), l.pointer)
	for n := 0; ; n++ {
		if err != nil {
			return fmt.Errorf("the list at %#x breaks off after %d entries: %w", head, n, err)
		}
		if at == head {
			return nil
		}
		if why := l.bad(at); why != "" {
			return fmt.Errorf("the list at %#x breaks off after %d entries: %#x in the one at %#x %s", head, n, at, prev, why)
		}
		if _, again := seen[at]; again {
			return fmt.Errorf("the list at %#x does not come back to its head: after %d entries %#x comes again", head, n, at)
		}
		if n >= l.limit {
			return fmt.Errorf("the list at %#x has more than %d entries", head, l.limit)
		}
		seen[at] = struct{}{}
		if !visit(at) {
			return nil
		}
		prev = at
		at, err = d.Number(l.space, at+uint64(l.offset), l.pointer)
	}
}
