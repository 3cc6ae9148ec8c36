package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/memimage"
)

// kdCmd is lpc kd.
type kdCmd struct {
	lookAt
	More []string `arg:"" optional:"" name:"file" help:"The same as -z FILE."`
	Raw  bool     `help:"Take the files for raw images of a machine's memory, whatever they begin with."`
	Path []string `short:"y" name:"sympath" placeholder:"DIR" sep:"none" help:"Look here for the symbol files of a Windows dump, as .sympath does; several are searched in order."`
	Line *string  `short:"c" name:"commands" placeholder:"COMMANDS" help:"Carry out these commands, joined by semicolons, and leave."`
	JSON bool     `name:"json" help:"One JSON object a line for each command."`
}

// statusKD is the exit status of a kd that could not open its target, or one of
// whose commands failed: 1 and 3 are verdicts.
const statusKD = 2

// Run opens the target and carries out commands: of -c, of the terminal, or of
// standard input.
func (k *kdCmd) Run() error {
	t, err := k.open()
	if err != nil {
		return failedKD(err)
	}
	defer t.Close()
	s := kd.NewSession(t)
	s.JSON, s.Open = k.JSON, openFile
	if len(k.Path) > 0 {
		if err := s.SymbolPath(k.Path); err != nil {
			return failedKD(err)
		}
	}
	switch {
	case k.Line != nil:
		err = carryOut(s, *k.Line)
		if errors.Is(err, kd.ErrQuit) {
			err = nil
		}
	case isTerminal(os.Stdin) && isTerminal(os.Stdout):
		return k.converse(s)
	default:
		err = readCommands(s, os.Stdin)
	}
	if err != nil {
		return failedKD(err)
	}
	if s.Status != kd.StatusNone {
		return exitError(s.Status)
	}
	return nil
}

// open opens what the options name.
func (k *kdCmd) open() (target.Target, error) {
	k.Files = slices.Concat(k.Files, k.More)
	switch {
	case len(k.Files) > 0 && len(k.PIDs) > 0:
		return nil, errors.New("a file and a process were named, expected files or processes")
	case k.Raw && len(k.Files) == 0:
		return nil, errors.New("--raw is for a file, and none was named")
	case k.Raw:
		return k.openAs(target.Opener(memimage.OpenRaw))
	}
	return k.lookAt.open()
}

// failedKD tells the user and gives the status.
func failedKD(err error) error {
	fmt.Fprintf(os.Stderr, "lpc: %s\n", escape.Text(err.Error()))
	return exitError(statusKD)
}

// carryOut runs one line; an interrupt ends it.
func carryOut(s *kd.Session, line string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := bufio.NewWriter(os.Stdout)
	err := s.Run(ctx, out, line)
	if errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	return errors.Join(out.Flush(), err)
}

var errInterrupted = errors.New("interrupted")

// readCommands carries out the lines of r to its end, also behind one that failed.
func readCommands(s *kd.Session, r io.Reader) error {
	var failed error
	in := bufio.NewScanner(r)
	for in.Scan() {
		err := carryOut(s, in.Text())
		if errors.Is(err, kd.ErrQuit) {
			return failed
		}
		if err != nil {
			if failed != nil { // one is told by the caller
				fmt.Fprintf(os.Stderr, "lpc: %s\n", escape.Text(failed.Error()))
			}
			failed = err
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("reading commands: %w", err)
	}
	return failed
}
