package kd

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/ntdump"
)

var cmdVertarget = Command{Name: "vertarget", Aliases: []string{"version"}, Short: "Say what the target is, and when it was."}

func init() { cmdVertarget.Run = runVertarget }

func runVertarget(_ context.Context, s *Session, o *Out, _ []string) error {
	if w := s.windows(); w != nil {
		s.windowsVersion(o, w)
		return nil
	}
	o.Printf("%s\n", escape.Text(s.Target.Describe()))
	if now := s.Target.Now(); !now.IsZero() {
		o.Printf("Debug session time: %s\n", now.UTC().Format("2006-01-02 15:04:05.000 UTC"))
	}
	return nil
}

// products are ProductType's names (winnt.h: VER_NT_...), as WinDbg writes them.
var products = map[uint64]string{1: "WinNt", 2: "LanManNt", 3: "ServerNt"}

// suites are the bits of SuiteMask (winnt.h: VER_SUITE_...), as WinDbg writes them.
var suites = [...]string{
	"SmallBusiness", "Enterprise", "BackOffice", "CommunicationServer", "TerminalServer", "SmallBusinessRestricted",
	"EmbeddedNT", "DataCenter", "SingleUserTS", "Personal", "Blade", "EmbeddedRestricted", "SecurityAppliance",
	"StorageServer", "ComputeServer", "HomeServer",
}

// windowsVersion prints what a Windows dump is.
func (s *Session) windowsVersion(o *Out, w windowsTarget) {
	d := w.Dump()
	h := d.Header()
	line := fmt.Sprintf("%s Kernel Version %d", w.Version(), h.Build)
	if p := d.ServicePackNumber(); p.OK && p.Value != 0 {
		line += fmt.Sprintf(" (Service Pack %d)", p.Value)
	}
	switch {
	case h.CPUs > 1:
		line += fmt.Sprintf(" MP (%d procs)", h.CPUs)
	case h.CPUs == 1:
		line += " UP"
	}
	switch h.Major { // reference 3.1
	case 0xf:
		line += " Free"
	case 0xc:
		line += " Checked"
	}
	line += " " + h.Machine.String()
	if h.PAE.OK && h.PAE.Value == 1 {
		line += " PAE"
	}
	o.Printf("%s\n", line)
	if name := products[h.Product.Value]; h.Product.OK && name != "" {
		line := "Product: " + name
		if h.Suite.OK {
			line += ", suite:"
			for i, suite := range suites {
				if h.Suite.Value>>i&1 == 1 {
					line += " " + suite
				}
			}
		}
		o.Printf("%s\n", line)
	}
	if lab := kernelText(d, ntdump.NtBuildLab); lab != "" {
		o.Printf("Built by: %s\n", escape.Text(lab))
	}
	if h.Type == ntdump.MemoryImage {
		o.Printf("Memory: %s, %d pages, %d bytes\n", escape.Text(h.Image), d.Pages(), d.FileSize())
		o.Printf("Page tables at 0x%x", h.DTB)
		if k := d.Debugger(); k != nil {
			o.Printf(", debugger data found by %s", k.How)
		}
		o.Printf("\n")
	} else {
		o.Printf("Dump: %s, %d bytes\n", h.Type, d.FileSize())
	}
	if base, ok := d.Debugger().Address(ntdump.KernBase); ok {
		o.Printf("Kernel base = 0x%s PsLoadedModuleList = 0x%s\n", s.long(base), s.long(h.Modules))
	}
	if k := d.Debugger(); k == nil {
		o.Printf("No debugger data block was found\n")
	}
	if t := d.Types(); t != nil {
		o.Printf("Types: %s\n", escape.Text(t.Source()))
	} else {
		o.Printf("Types: none are known for this build; .isf FILE gives them\n")
	}
	if !h.Time.IsZero() {
		o.Printf("Debug session time: %s (UTC + 0:00)\n", h.Time.Format("Mon Jan _2 15:04:05.000 2006"))
	}
	if h.Uptime > 0 {
		o.Printf("System Uptime: %s\n", uptime(h.Uptime))
	}
	if h.Comment != "" {
		o.Printf("Comment: '%s'\n", escape.Text(h.Comment))
	}
	for _, n := range d.Notes() {
		o.Printf("Note: %s\n", escape.Text(n))
	}
}

// kernelText is the text of a variable that the debugger data names, "" where it is
// not in the dump.
func kernelText(d *ntdump.Dump, f ntdump.Field) string {
	at, ok := d.Debugger().Address(f)
	if !ok {
		return ""
	}
	var b [128]byte
	n, _ := d.ReadMemory(at, b[:])
	for i, c := range b[:n] {
		if c == 0 {
			return string(b[:i])
		}
	}
	return "" // no end: it is no text, or not whole
}

func uptime(d time.Duration) string {
	ms := d.Milliseconds()
	return fmt.Sprintf("%d days %d:%02d:%02d.%03d", ms/86400000, ms/3600000%24, ms/60000%60, ms/1000%60, ms%1000)
}
