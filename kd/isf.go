package kd

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/isf"
)

var cmdIsf = Command{
	Name: ".isf", Args: "[File | -]",
	Short: "Take structures and symbols of a Windows dump from a file, or say where they come from.",
	Long: `File is ISF JSON, volatility3's format, plain or packed by xz or gzip. It must be that of the dump's very
kernel: the dump does not say enough to check more than the pointers' size. - goes back to what the
dump itself tells.`,
}

func init() { cmdIsf.Run = runIsf }

func runIsf(_ context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 1, ".isf [File | -]"); err != nil {
		return err
	}
	d, err := s.windowsDump(".isf")
	if err != nil {
		return err
	}
	switch {
	case len(args) == 0:
	case args[0] == "-":
		s.isf = nil
		if err := s.setKernelTypes(d); err != nil {
			return err
		}
	default:
		t, err := isf.Open(args[0])
		if err != nil {
			return errors.New(escape.Text(err.Error())) // it quotes the file
		}
		if t.PointerSize() != d.PointerSize() {
			return fmt.Errorf("%s describes pointers of %d bytes, the dump's have %d: it is of another kernel", escape.Text(args[0]), t.PointerSize(), d.PointerSize())
		}
		if t.Layout("_EPROCESS") == nil && t.Layout("_ETHREAD") == nil {
			return fmt.Errorf("%s describes neither _EPROCESS nor _ETHREAD: it is of no kernel", escape.Text(args[0]))
		}
		s.isf = t
		if err := s.setKernelTypes(d); err != nil {
			return err
		}
	}
	if t := d.Types(); t != nil {
		o.Printf("Types: %s, %d structures\n", escape.Text(t.Source()), len(t.Names()))
	} else {
		o.Printf("Types: none are known for build %d of %s\n", d.Header().Build, d.Header().Machine)
	}
	return nil
}
