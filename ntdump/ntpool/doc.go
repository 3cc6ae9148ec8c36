// Package ntpool reads the kernel's pools of a Windows dump: the blocks that its pages
// are cut into, the table of allocations of whole pages, and the tables in which the
// kernel counts allocations by tag.
//
// What lives here: where the pools are, how a block's header is taken apart, and what
// the counters say. What never lives here: text for people beyond the sentence of an
// error, names of tags, and verdicts; those are kd's.
//
//	r, err := ntpool.New(d)
//	ranges, note, err := r.Ranges(ntpool.NonPaged)
//	for b, err := range r.Blocks(ctx, ranges[0], nil) { ... }
//
// A request passes through: New (reader.go) asks the dump's types once for where the
// bits of a header stand (layout.go); Ranges (ranges.go) asks the debugger data and the
// symbols; Blocks (scan.go) walks the page tables in stretches (ntdump.Stretches), lets
// them wait until many can be read in the order of the file (window.go, order.go), has
// them read by as many goroutines as there are processors (crew.go), looks at each page
// in place, and cuts those that hold what is asked for (cut.go, special.go). Tracker
// (tracker.go) and Big (big.go) read tables.
//
// Rules. A page counts as one of small blocks only when its blocks close: each says of
// the one before how long it is, and they fill the page exactly. Pages that do not are
// counted and said, never guessed at. Without symbols the kernel does not tell where
// all its pools end; what is searched then, and what may be missing, is a sentence.
// From build 18362 on the pools are segment heaps, which are refused.
//
// A Reader may be used by one goroutine at a time; those that it starts itself end
// before a loop's body runs. Formats follow the project's
// debugger reference, sections 4, 5.2 and 5.3.
package ntpool
