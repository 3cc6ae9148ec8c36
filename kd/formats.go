package kd

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/seed-eedd8485/lpc/ntdump"
)

var cmdFormats = Command{
	Name: ".formats", Args: "Expression",
	Short: "Show a number in all forms.",
	Long:  "As a time it is counted in seconds since 1970 up to 32 bits, in 100 ns since 1601 above.",
}

func init() { cmdFormats.Run = runFormats }

func runFormats(_ context.Context, s *Session, o *Out, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf(".formats needs a number")
	}
	v, err := s.address(strings.Join(args, ""))
	if err != nil {
		return err
	}
	wide := s.Target.PointerSize() == 8 || v>>32 != 0
	bits, digits := 32, 11
	decimal := fmt.Sprint(int32(uint32(v)))
	if wide {
		bits, digits = 64, 22
		decimal = fmt.Sprint(int64(v))
	}
	o.Printf("Evaluate expression:\n")
	o.Printf("  Hex:     %s\n", s.long(v))
	o.Printf("  Decimal: %s\n", decimal)
	o.Printf("  Octal:   %0*o\n", digits, v)
	var octets []string
	var chars strings.Builder
	for shift := bits - 8; shift >= 0; shift -= 8 {
		b := byte(v >> shift)
		octets = append(octets, fmt.Sprintf("%08b", b))
		if b < ' ' || b > '~' {
			b = '.'
		}
		chars.WriteByte(b)
	}
	o.Printf("  Binary:  %s\n", strings.Join(octets, " "))
	o.Printf("  Chars:   %s\n", chars.String())
	o.Printf("  Time:    %s\n", timeText(v))
	o.Printf("  Float:   low %g high %g\n", math.Float32frombits(uint32(v)), math.Float32frombits(uint32(v>>32)))
	o.Printf("  Double:  %g\n", math.Float64frombits(v))
	return nil
}

// timeText is a number as a time: time_t up to 32 bits, FILETIME above.
func timeText(v uint64) string {
	const layout = "Mon Jan _2 15:04:05.000 2006 UTC"
	if v>>32 == 0 {
		return time.Unix(int64(v), 0).UTC().Format("Mon Jan _2 15:04:05 2006 UTC")
	}
	if v>>63 != 0 {
		return "***** Invalid"
	}
	return ntdump.FileTime(v).Format(layout)
}
