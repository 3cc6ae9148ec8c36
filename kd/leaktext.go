package kd

import (
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/leak"
	"github.com/seed-eedd8485/lpc/target"
)

// leakRows bounds the rows of each list of !poolleak.
const leakRows = 8

// printLeak prints what was found of a tag.
func (s *Session) printLeak(o *Out, a leakArgs, use *target.TagCounts, r *leak.Result) {
	tag := escape.Text(tagText(a.tag))
	o.Printf("Tag %s%s\n", tag, behind(s.tagNote(a.tag)))
	if r.Nameless {
		o.Printf("  It names nobody: drivers get it that call %s\n", strings.Join(r.Names, ", "))
	}
	for _, u := range use.Tags {
		if u.Tag == a.tag && use.Frees {
			o.Printf("  Counted by the kernel: nonpaged %d blocks, %d bytes; paged %d blocks, %d bytes\n", u.NonPaged.Outstanding(), u.NonPaged.Bytes, u.Paged.Outstanding(), u.Paged.Bytes)
		}
	}
	b := r.Blocks
	o.Printf("  Found in the pools: %d blocks, %d bytes", b.Count, b.Bytes)
	if b.Count > 0 {
		o.Printf(", from %s to %s", s.ptr(b.Lowest), s.ptr(b.Highest))
	}
	o.Printf("\n")
	for _, e := range b.Errors {
		o.Printf("  Not complete: %s\n", escape.Text(e))
	}
	s.printSizes(o, b)
	s.printBills(o, b)
	s.printContent(o, r.Content)
	s.printPlaces(o, a, r)
	if len(r.Names) > 0 {
		o.Printf("\n")
		s.printImporters(o, r)
	}
	s.printVerdict(o, r)
}

// more says how many rows of a list are not shown.
func (o *Out) more(n, shown int, what string) {
	if n > shown {
		o.Printf("    %d more %s\n", n-shown, what)
	}
}

func (s *Session) printSizes(o *Out, b leak.Blocks) {
	if len(b.Sizes) == 0 {
		return
	}
	o.Printf("\n  Block sizes, most bytes first\n      Size    Blocks       Bytes\n")
	for _, x := range b.Sizes[:min(len(b.Sizes), leakRows)] {
		o.Printf("    %6x  %8d  %10d\n", x.Size, x.Count, x.Size*x.Count)
	}
	o.more(len(b.Sizes), leakRows, "sizes")
}

func (s *Session) printBills(o *Out, b leak.Blocks) {
	if len(b.Billed) == 0 {
		return
	}
	o.Printf("\n  Charged to\n")
	for _, x := range b.Billed[:min(len(b.Billed), leakRows)] {
		who := "no process of the list"
		if p, err := s.Target.System().Process(x.Process); err == nil && p.Addr == x.Process {
			who = fmt.Sprintf("%04x %s", p.ID, escape.Text(p.Image))
		}
		o.Printf("    %s  %8d  %10d  %s\n", s.ptr(x.Process), x.Count, x.Bytes, who)
	}
	o.more(len(b.Billed), leakRows, "processes")
}

func (s *Session) printContent(o *Out, c leak.Content) {
	if c.Sampled == 0 {
		return
	}
	o.Printf("\n  Sample: %d blocks picked by chance, the first 40 bytes of each; %d of them are in the dump\n", c.Sampled, c.Readable)
	for i, h := range c.Heads[:min(len(c.Heads), 4)] {
		if i == 0 {
			o.Printf("    They begin with\n")
		}
		o.Printf("      % x  %s  in %d\n", h.Bytes, printable(h.Bytes[:]), h.Blocks)
	}
	if len(c.Pointers) > 0 {
		o.Printf("    Pointers into modules\n")
	}
	im := s.images(s.windows().Dump())
	for _, p := range c.Pointers[:min(len(c.Pointers), leakRows)] {
		o.Printf("      %-15s in %d; most often at +%x (%d), there %s (%d)\n", escape.Text(p.Module), p.Blocks, p.Offset, p.At, im.place(p.Target), p.Same)
	}
	for i, t := range c.Texts {
		if i == 0 {
			o.Printf("    Text\n")
		}
		o.Printf("      \"%s\"  in %d\n", escape.Text(t.Text), t.Blocks)
	}
	if c.First != nil {
		o.Printf("    The first one\n")
	}
	for at := 0; at < len(c.First); at += 16 {
		line := c.First[at:min(at+16, len(c.First))]
		o.Printf("      %s  %-47s  %s\n", s.ptr(c.FirstAt+uint64(at)), fmt.Sprintf("% x", line), printable(line))
	}
}

// printable shows bytes as characters, a dot for what is none.
func printable(b []byte) string {
	out := make([]byte, len(b))
	for i, c := range b {
		if out[i] = '.'; c >= ' ' && c <= '~' {
			out[i] = c
		}
	}
	return string(out)
}

// printPlaces prints where the tag's bytes stand.
func (s *Session) printPlaces(o *Out, a leakArgs, r *leak.Result) {
	if len(r.Places) == 0 {
		return
	}
	const most = 32
	o.Printf("\n  The four bytes stand in\n")
	for _, p := range r.Places[:min(len(r.Places), most)] {
		place := fmt.Sprintf("%s+0x%x", escape.Text(p.Module), p.RVA)
		how := ""
		switch {
		case p.Code != "":
			how = ", operand of " + p.Code
		case p.Section != "":
			how = ", not in code that names it"
		}
		section := ""
		if p.Section != "" {
			section = " " + escape.Text(p.Section)
		}
		o.Printf("    %-28s%s%s", place, section, how)
		if p.Count > 1 {
			o.Printf(", %d places in all", p.Count)
		}
		if p.File != "" {
			o.Printf(", file %s at %#x%s", escape.Text(p.File), p.Offset, notLoaded(p.Loaded))
		}
		o.Printf("\n")
	}
	o.more(len(r.Places), most, "modules and files")
}

// notLoaded marks files of images that the machine does not run.
func notLoaded(loaded bool) string {
	if loaded {
		return ""
	}
	return " (not loaded)"
}

// printImporters prints who can have called the functions that give a tag.
func (s *Session) printImporters(o *Out, r *leak.Result) {
	const most = 64
	o.Printf("  Modules that import %s\n", strings.Join(r.Names, ", "))
	for _, i := range r.Import[:min(len(r.Import), most)] {
		o.Printf("    %-15s %s, by the %s of its imports", escape.Text(i.Module), strings.Join(i.Names, ", "), i.How)
		if i.File != "" {
			o.Printf(", file %s%s", escape.Text(i.File), notLoaded(i.Loaded))
		}
		o.Printf("\n")
	}
	if len(r.Import) == 0 {
		o.Printf("    none\n")
	}
	o.more(len(r.Import), most, "modules")
	if n := len(r.Unread); n > 0 {
		o.Printf("    not known of %d, as %s: %s\n", n, escape.Text(r.Unread[0].Name), escape.Text(r.Unread[0].Why))
	}
	o.Printf("    looked at: %d of the %d modules beside the kernel\n", r.Looked, r.Drivers)
}

func (s *Session) printVerdict(o *Out, r *leak.Result) {
	v := r.Verdict
	o.Printf("\nVerdict: %s\n", escape.Text(v.Text))
	for _, e := range v.Evidence {
		o.Printf("  Evidence: %s\n", escape.Text(e))
	}
	for _, e := range v.Missing {
		o.Printf("  Not known: %s\n", escape.Text(e))
	}
}
