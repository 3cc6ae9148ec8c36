package bootsec

import (
	"fmt"
	"io"
	"strings"
)

// WriteText prints the whole report: the partition table with its findings, what
// the boot code is and does, and its listing.
func (r *Report) WriteText(w io.Writer) error {
	for _, part := range []func(io.Writer) error{r.Table.WriteText, blank, r.WriteVerdict, blank, r.Boot.WriteText} {
		if err := part(w); err != nil {
			return fmt.Errorf("writing report: %w", err)
		}
	}
	return nil
}

func blank(w io.Writer) error {
	_, err := io.WriteString(w, "\n")
	return err
}

// WriteVerdict prints which known code it is, and what it does.
func (r *Report) WriteVerdict(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintln(&b, "Boot code:", r.Boot.Known)
	for _, s := range r.Boot.Verdict {
		fmt.Fprintln(&b, " ", s)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteBytes prints the sector as WinDbg's db does, at the addresses where the
// BIOS puts it.
func (r *Report) WriteBytes(w io.Writer) error {
	var b strings.Builder
	for at := 0; at < len(r.Boot.Data) && at < int(r.Size); at += 16 {
		row := r.Boot.Data[at:min(at+16, len(r.Boot.Data), int(r.Size))]
		fmt.Fprintf(&b, "%04x:%04x ", 0, int(r.Boot.Load)+at)
		text := make([]byte, len(row))
		for i := range 16 {
			sep := " "
			if i == 8 {
				sep = "-"
			}
			if i >= len(row) {
				b.WriteString("   ")
				continue
			}
			fmt.Fprintf(&b, "%s%02x", sep, row[i])
			text[i] = '.'
			if row[i] >= ' ' && row[i] <= '~' {
				text[i] = row[i]
			}
		}
		fmt.Fprintf(&b, "  %s\n", text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteSVG draws the flow of control of the boot code.
func (r *Report) WriteSVG(w io.Writer) error { return r.Boot.WriteSVG(w) }

// WriteDOT prints the flow of control of the boot code for Graphviz.
func (r *Report) WriteDOT(w io.Writer) error { return r.Boot.WriteDOT(w) }
