package bench

import "fmt"

// forNative are the options for what the native API costs: package nt beside the root
// package's Conn.Call.
func forNative(o Options) Options {
	return o.loneCalls([]string{"call/32"}, "lpc", native)
}

// loneCalls are the options that compare systems by a lone caller's small calls, unless
// they say otherwise.
func (o Options) loneCalls(work []string, systems ...string) Options {
	if o.systems == nil {
		o.systems = systems
	}
	if o.Work == nil {
		o.Work = work
	}
	if o.Placements == nil {
		o.Placements = []string{free}
	}
	o.Hogs = max(o.Hogs, 0)
	return o
}

const native = "native"

// nativeNotes say the ratios in words.
func nativeNotes(lines []*line) (notes []string) {
	for _, l := range lines {
		base := lineOf(lines, "lpc", l)
		if l.system != native || base == nil {
			continue
		}
		notes = append(notes, fmt.Sprintf("%s, placement %s: NtRequestWaitReplyPort from Go takes %.2f times Conn.Call (median %.3f against %.3f µs; mean %.2f times)",
			l.item.name, l.placement, l.figure(p50US)/base.figure(p50US), l.figure(p50US), base.figure(p50US), l.figure(meanUS)/base.figure(meanUS)))
	}
	return notes
}

// lineOf is another system's line of the same work, nil: there is none.
func lineOf(lines []*line, system string, l *line) *line {
	for _, m := range lines {
		if m.system == system && m.item.name == l.item.name && m.placement == l.placement && m.hogs == l.hogs {
			return m
		}
	}
	return nil
}
