package kd

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdWritemem = Command{
	Name: ".writemem", Args: "File Address Range",
	Short: "Write memory to a new file.",
	Long: `Range is L and a count of bytes (L200, hexadecimal), or the last address. Scratch is written as db shows
it. If a byte of the range is absent, the command says which and writes nothing. A file that exists is
never replaced: it could be the target.`,
}

func init() { cmdWritemem.Run = runWritemem }

const writememUsage = ".writemem File Address Range"

func runWritemem(_ context.Context, s *Session, o *Out, args []string) error {
	if len(args) < 3 {
		return fmt.Errorf(".writemem: a file, an address and a range are expected; usage: %s", writememUsage)
	}
	addr, n, err := s.span(args[1:], 1, 0)
	if err != nil {
		return fmt.Errorf(".writemem: %w", err)
	}
	data := make([]byte, n)
	if got, err := s.readMemory(addr, data); got < len(data) {
		return fmt.Errorf(".writemem: nothing was written: %s", escape.Text(absence(addr+uint64(got), err).Error()))
	}
	if err := writeNew(args[0], data); err != nil {
		return fmt.Errorf(".writemem: %w", err)
	}
	o.Printf("Writing %x bytes.\n", n)
	return nil
}

// absence is err, or an Absent for addr where there is none.
func absence(addr uint64, err error) error {
	if err == nil {
		return &target.Absent{Addr: addr, Why: "the target gave no reason"}
	}
	return err
}

// writeNew makes a file, which must not exist, with data; a file that it could not
// write whole it takes away again.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists and is not replaced", escape.Text(path))
	}
	if err != nil {
		return fmt.Errorf("making %s: %w", escape.Text(path), bareError(err))
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("writing %s: %w", escape.Text(path), bareError(err))
	}
	return nil
}
