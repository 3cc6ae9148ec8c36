package kd

import (
	"context"
	"fmt"
	"os"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/pooltag"
)

var cmdPooltag = Command{
	Name: ".pooltag", Args: "[File | -]",
	Short: "Take descriptions of pool tags from a pooltag.txt, or say how many are known.",
	Long: `File has a line a tag, Tag - binary - description, as the pooltag.txt of Windows' debuggers and driver
kit; a line that begins with rem is a comment. What it says goes before the small table of kd's own.
- goes back to that.`,
}

func init() { cmdPooltag.Run = runPooltag }

func runPooltag(_ context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 1, ".pooltag [File | -]"); err != nil {
		return err
	}
	switch {
	case len(args) == 0:
	case args[0] == "-":
		s.tags = nil
	default:
		f, err := os.Open(args[0])
		if err != nil {
			return fmt.Errorf(".pooltag: %s", escape.Text(err.Error()))
		}
		t, err := pooltag.Read(f)
		_ = f.Close() // read only: nothing is lost
		if err != nil {
			return fmt.Errorf(".pooltag: %s: %s", escape.Text(args[0]), escape.Text(err.Error()))
		}
		s.tags, s.tagsFile = t.With(pooltag.Builtin()), args[0]
	}
	o.Printf("Pool tags: %d of kd's own\n", pooltag.Builtin().Len())
	if s.tags != nil {
		o.Printf("On top of them: %d of %s\n", s.tags.Len(), escape.Text(s.tagsFile))
	}
	return nil
}

// tagTable is the table of tags in use.
func (s *Session) tagTable() *pooltag.Table {
	if s.tags != nil {
		return s.tags
	}
	return pooltag.Builtin()
}
