package pool

// Lists are NT's: doubly linked, circular, with a head. Links are addresses in
// this pool. Each list is guarded by its owner's lock; these functions take none.
// A pool is written by its own process only, so a link found here is followed
// without a check; a debugger, which cannot know that, checks every one.

// InitList makes the list with its head at a empty.
func (p *Pool) InitList(a Addr) {
	l := At[ListEntry](p, a)
	l.Flink, l.Blink = a, a
}

// InsertTail puts the entry at e on the end of the list with its head at a.
func (p *Pool) InsertTail(a, e Addr) {
	head, entry := At[ListEntry](p, a), At[ListEntry](p, e)
	last := head.Blink
	entry.Flink, entry.Blink = a, last
	At[ListEntry](p, last).Flink = e
	head.Blink = e
}

// Remove takes the entry at e off its list; it does nothing for an entry on none.
func (p *Pool) Remove(e Addr) {
	entry := At[ListEntry](p, e)
	if entry.Flink == 0 {
		return
	}
	At[ListEntry](p, entry.Blink).Flink = entry.Flink
	At[ListEntry](p, entry.Flink).Blink = entry.Blink
	entry.Flink, entry.Blink = 0, 0
}

// First is the first entry of the list with its head at a, 0 when it is empty.
func (p *Pool) First(a Addr) Addr {
	if f := At[ListEntry](p, a).Flink; f != a {
		return f
	}
	return 0
}
