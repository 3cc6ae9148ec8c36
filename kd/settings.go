package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/target"
)

var (
	cmdSetProcess = Command{
		Name: ".process", Args: "[Process]", Short: "Show or set the default process, by its address or id.",
		Long:  "In a Windows dump user addresses are then read in that process.",
		Needs: target.Threads,
	}
	cmdSetThread = Command{
		Name: ".thread", Args: "[Address]", Short: "Show or set the default thread.",
		Long:  "In a Windows dump r and k start from it then; without one, from what the first processor saved.",
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
	if err := atMost(args, 1, ".process [Process]"); err != nil {
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

func runSetThread(_ context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 1, ".thread [Address]"); err != nil {
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
	s.thread, s.machine = addr, machineContext{}
	o.Printf("Implicit thread is now %s\n", s.ptr(addr))
	return nil
}
