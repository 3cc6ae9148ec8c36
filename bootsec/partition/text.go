package partition

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// WriteText prints the table as fdisk -l does, with the CHS values and the boot
// records beside, then the findings, one a line.
func (t *Table) WriteText(w io.Writer) error {
	var b strings.Builder
	if t.Whole {
		fmt.Fprintf(&b, "Disk: %s, %d bytes, %d sectors of %d bytes\n", size(uint64(t.Size)), t.Size, t.Sectors(), t.SectorSize)
	} else {
		fmt.Fprintf(&b, "Sector 0 alone: %d bytes\n", t.Size)
	}
	switch t.Scheme {
	case None:
		b.WriteString("No partition table\n")
	case Volume:
		fmt.Fprintf(&b, "No partition table: sector 0 is a volume boot record: %s\n", t.Boot)
	case DOS:
		fmt.Fprintf(&b, "Disklabel type: dos\nDisk identifier: 0x%08x\n", t.DiskID)
	case GPT:
		fmt.Fprintf(&b, "Disklabel type: gpt (from the %s header)\nDisk identifier: %s\nUsable sectors: %d to %d\n", t.GPT.From, t.GPT.DiskGUID, t.GPT.FirstUsable, t.GPT.LastUsable)
		t.GPT.writeEntries(&b, t.SectorSize)
		if t.Hybrid {
			b.WriteString("\nHybrid MBR:\n")
		} else {
			b.WriteString("\nProtective MBR:\n")
		}
	}
	if len(t.Partitions) > 0 {
		t.writePartitions(&b)
	}
	if len(t.Findings) > 0 {
		b.WriteByte('\n')
	}
	for _, f := range t.Findings {
		fmt.Fprintln(&b, f)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *Table) writePartitions(b *strings.Builder) {
	if g := t.Geometry; g != nil && g.Sure {
		fmt.Fprintf(b, "Geometry by the CHS values: %d heads, %d sectors a track\n", g.Heads, g.Sectors)
	}
	if t.Scheme != GPT {
		b.WriteByte('\n')
	}
	fmt.Fprintf(b, "No Boot %11s %11s %11s %7s Id %-20s %-12s %-12s %s\n", "Start", "End", "Sectors", "Size", "Type", "First C/H/S", "Last C/H/S", "Boot record")
	for _, p := range t.Partitions {
		mark := " "
		switch {
		case p.Active():
			mark = "*"
		case p.Status != 0:
			mark = "?"
		}
		line := fmt.Sprintf("%2d %-4s %11d %11d %11d %7s %02x %-20s %-12s %-12s %s", p.Number, mark, p.Start, p.End(), p.Sectors,
			size(p.Sectors*uint64(t.SectorSize)), p.Type, p.TypeName, p.First, p.Last, p.Boot)
		fmt.Fprintln(b, strings.TrimRight(line, " "))
	}
}

func (g *GPTDisk) writeEntries(b *strings.Builder, sectorSize int64) {
	fmt.Fprintf(b, "\nNo %11s %11s %11s %7s %-28s %-20s %s\n", "Start", "End", "Sectors", "Size", "Type", "Name", "Boot record")
	for _, e := range g.Entries {
		line := fmt.Sprintf("%2d %11d %11d %11d %7s %-28s %-20s %s", e.Number, e.First, e.Last, e.Sectors(), size(e.Sectors()*uint64(sectorSize)), e.TypeName, escape(e.Name), e.Boot)
		fmt.Fprintln(b, strings.TrimRight(line, " "))
	}
}

// String describes a boot record in a few words.
func (b *BootRecord) String() string {
	if b == nil {
		return ""
	}
	s := b.Kind
	if b.OEM != "" && b.OEM != b.Kind && b.Kind != "exFAT" {
		s += fmt.Sprintf(" (%s)", b.OEM)
	}
	if b.Label != "" && b.Label != "NO NAME" {
		s += fmt.Sprintf(" %q", b.Label)
	}
	return s
}

// size prints bytes as fdisk does: one decimal at most.
func size(n uint64) string {
	units := "BKMGTPE"
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f /= 1024
		i++
	}
	s := fmt.Sprintf("%.1f", f)
	return strings.TrimSuffix(s, ".0") + units[i:i+1]
}

// escape keeps control and direction characters of a name out of a terminal.
func escape(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '.'
		}
		return r
	}, s)
}
