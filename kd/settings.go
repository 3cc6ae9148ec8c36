package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/target"
)

var (
	cmdSetProcess = Command{
		Name: ".process", Args: "[/p] [/r] [Process]", Short: "Show or set the default process, by its address or id.",
		Long:  "In a Windows dump user addresses are then read in that process, and named by its modules; /p and /r say the same to WinDbg.",
		Needs: target.Threads,
	}
	cmdSetThread = Command{
		Name: ".thread", Args: "[/p] [/r] [Address]", Short: "Show or set the default thread.",
		Long: `In a Windows dump r and k start from it then; without one, from what the first processor saved. /p makes its
process the default one too (.process); its stack is of its own process in any case.`,
		Needs: target.Threads,
	}
	cmdQuit = Command{Name: "q", Aliases: []string{"qq", "quit", "exit"}, Short: "Leave kd."}
)

func init() {
	cmdSetProcess.Run = runSetProcess
	cmdSetThread.Run = runSetThread
	cmdQuit.Run = func(context.Context, *Session, *Out, []string) error { return ErrQuit }
}

func runSetProcess(_ context.Context, s *Session, o *Out, args []string) error {
	args, _ = spaceOptions(args)
	if err := atMost(args, 1, ".process [/p] [/r] [Process]"); err != nil {
		return err
	}
	if len(args) == 0 && s.process == 0 {
		if w := s.windows(); w != nil {
			if at, ok := w.Dump().CurrentProcess(); ok {
				o.Printf("Implicit process is now %s\n", s.ptr(at))
				return nil
			}
		}
		o.Printf("No default process is set\n")
		return nil
	}
	p, err := s.processArg(args, 0)
	if err != nil {
		return err
	}
	if w := s.windows(); w != nil {
		if err := w.Use(p.Addr); err != nil {
			return err
		}
	}
	s.process = p.Addr
	o.Printf("Implicit process is now %s\n", s.ptr(p.Addr))
	return nil
}

// spaceOptions takes WinDbg's /p and /r from the front of the arguments: p was among them.
func spaceOptions(args []string) (rest []string, p bool) {
	for len(args) > 0 && (args[0] == "/p" || args[0] == "/r") {
		p = p || args[0] == "/p"
		args = args[1:]
	}
	return args, p
}

func runSetThread(_ context.Context, s *Session, o *Out, args []string) error {
	args, process := spaceOptions(args)
	if err := atMost(args, 1, ".thread [/p] [/r] [Address]"); err != nil {
		return err
	}
	if len(args) == 0 {
		at := s.thread
		if w := s.windows(); w != nil && at == 0 {
			at, _ = w.Dump().CurrentThread()
		}
		if at == 0 {
			o.Printf("No default thread is set\n")
		} else {
			o.Printf("Implicit thread is now %s\n", s.ptr(at))
		}
		return nil
	}
	addr, err := s.address(args[0])
	if err != nil {
		return err
	}
	if _, err := s.reader.Read(addr, "_ETHREAD"); err != nil {
		return fmt.Errorf("no thread stands there: %w", err)
	}
	if w := s.windows(); w != nil && process {
		owner := w.Dump().Thread(addr).Owner
		if err := w.Use(owner); err != nil {
			return err
		}
		s.process = owner
	}
	s.thread, s.machine = addr, machineContext{}
	o.Printf("Implicit thread is now %s\n", s.ptr(addr))
	return nil
}
