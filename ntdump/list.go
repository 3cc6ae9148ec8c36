package ntdump

import "fmt"

// walkList visits the entries of a LIST_ENTRY whose head stands at head, forward.
// It ends at the head; without an error it was whole. visit returns false to stop.
// At most limit entries are visited, and an entry that comes twice is an error.
func (d *Dump) walkList(s Space, head uint64, limit int, visit func(entry uint64) bool) error {
	if d.header.Bits == 32 {
		head &= 0xffffffff
	}
	seen := make(map[uint64]struct{})
	prev := head
	at, err := d.Pointer(s, head)
	for n := 0; ; n++ {
		if err != nil {
			return fmt.Errorf("the list at %#x breaks off after %d entries: %w", head, n, err)
		}
		if at == head {
			return nil
		}
		if !d.kernel(at) {
			return fmt.Errorf("the list at %#x breaks off after %d entries: %#x in the one at %#x is no address of the kernel", head, n, at, prev)
		}
		if _, again := seen[at]; again {
			return fmt.Errorf("the list at %#x does not come back to its head: after %d entries %#x comes again", head, n, at)
		}
		if n >= limit {
			return fmt.Errorf("the list at %#x has more than %d entries", head, limit)
		}
		seen[at] = struct{}{}
		if !visit(at) {
			return nil
		}
		prev = at
		at, err = d.Pointer(s, at)
	}
}
