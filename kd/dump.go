package kd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/target"
)

// The d family: memory in units. Absent bytes are question marks.
var (
	cmdDb  = dumpCommand("db", "bytes and characters", 1)
	cmdDd  = dumpCommand("dd", "doublewords of 4 bytes", 4)
	cmdDq  = dumpCommand("dq", "quadwords of 8 bytes", 8)
	cmdDps = Command{
		Name: "dps", Args: "Address [Range]",
		Short: "Show memory as pointers, one a line.",
		Long:  dumpHelp,
	}
)

const dumpHelp = `Range is L and a count of units (L200, hexadecimal), or the last address. Question marks stand for
memory that the target does not hold.`

func dumpCommand(name, what string, unit int) Command {
	return Command{
		Name: name, Args: "Address [Range]", Short: "Show memory as " + what + ".", Long: dumpHelp,
		Run: func(ctx context.Context, s *Session, o *Out, args []string) error {
			addr, n, err := s.span(args, uint64(unit), uint64(128/unit))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return s.dump(ctx, o, addr, n*uint64(unit), unit)
		},
	}
}

func init() {
	cmdDps.Run = func(ctx context.Context, s *Session, o *Out, args []string) error {
		size := s.Target.PointerSize()
		addr, n, err := s.span(args, uint64(size), 16)
		if err != nil {
			return fmt.Errorf("dps: %w", err)
		}
		return s.pointers(ctx, o, addr, n, size)
	}
}

// rows calls f for each row of the range. have is how many of its bytes from the
// start are there; later ones of the row may be there as well, and are then read
// one by one.
func (s *Session) rows(ctx context.Context, addr, n uint64, row int, f func(addr uint64, b []byte, there []bool)) error {
	b, there := make([]byte, row), make([]bool, row)
	for at := uint64(0); at < n; at += uint64(row) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		size := int(min(uint64(row), n-at))
		for i := 0; i < size; {
			got, err := s.readMemory(addr+at+uint64(i), b[i:size])
			for range max(got, 0) {
				there[i] = true
				i++
			}
			if err != nil && i < size {
				there[i] = false
				i++
			}
			if got == 0 && err == nil {
				return fmt.Errorf("reading memory at %s: nothing came, without a reason", s.ptr(addr+at+uint64(i)))
			}
		}
		f(addr+at, b[:size], there[:size])
	}
	return nil
}

// dump prints rows of 16 bytes.
func (s *Session) dump(ctx context.Context, o *Out, addr, n uint64, unit int) error {
	return s.rows(ctx, addr, n, 16, func(at uint64, b []byte, there []bool) {
		o.Printf("%s ", s.long(at))
		for i := 0; i < len(b); i += unit {
			sep := " "
			if unit == 1 && i == 8 {
				sep = "-"
			}
			o.Printf("%s%s", sep, unitText(b[i:min(i+unit, len(b))], there[i:min(i+unit, len(b))], unit))
		}
		if unit == 1 {
			o.Printf("%s  %s", strings.Repeat("   ", 16-len(b)), charsText(b, there))
		}
		o.Printf("\n")
	})
}

// unitText is one unit; it is absent when one of its bytes is.
func unitText(b []byte, there []bool, unit int) string {
	text := ""
	for i := unit - 1; i >= 0; i-- {
		if i >= len(b) || !there[i] {
			text = strings.Repeat("??", unit)
			break
		}
		text += fmt.Sprintf("%02x", b[i])
	}
	if unit == 8 {
		return text[:8] + "`" + text[8:]
	}
	return text
}

func charsText(b []byte, there []bool) string {
	text := make([]byte, len(b))
	for i, c := range b {
		switch {
		case !there[i]:
			text[i] = '?'
		case c < ' ' || c > '~':
			text[i] = '.'
		default:
			text[i] = c
		}
	}
	return string(text)
}

// pointers prints one pointer a line, and what it points to: in a Windows dump the
// place in a module, elsewhere the object.
func (s *Session) pointers(ctx context.Context, o *Out, addr, n uint64, size int) error {
	sys := s.Target.System()
	var im *images
	if w := s.windows(); w != nil {
		im = s.images(w.Dump())
	}
	return s.rows(ctx, addr, n*uint64(size), size, func(at uint64, b []byte, there []bool) {
		o.Printf("%s  %s", s.long(at), unitText(b, there, size))
		if v, ok := little(b); ok && v != 0 && !slices.Contains(there, false) {
			o.Printf("%s", s.pointee(sys, im, v))
		}
		o.Printf("\n")
	})
}

// pointee is what stands at an address, with a blank in front; "" for nothing known.
func (s *Session) pointee(sys target.System, im *images, addr uint64) string {
	if im != nil {
		if name, ok := im.known(addr); ok {
			return " " + name
		}
	}
	if sys != nil {
		if obj, err := sys.Object(addr); err == nil {
			return " " + strings.TrimSpace(escape.Text(obj.Type)+" "+escape.Text(obj.Name))
		}
	}
	return ""
}
