package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/kd/records"
)

var cmdLpcScan = Command{
	Name:  "!lpc scan",
	Args:  "Address",
	Short: "Find a port, and those connected to it, in the lists of all ports.",
	Long:  `It walks the lists of both types of ports, so it finds by them what !lpc port takes from the port itself.`,
	Needs: lpcNeeds,
}

func init() { cmdLpcScan.Run = runLpcScan }

func runLpcScan(ctx context.Context, s *Session, o *Out, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("!lpc scan needs the address of a port; !lpc port lists them")
	}
	if err := atMost(args, 1, "!lpc scan Address"); err != nil {
		return err
	}
	addr, err := s.portArg(args)
	if err != nil {
		return err
	}
	w, err := s.look(ctx, records.Ports)
	if err != nil {
		return err
	}
	self := w.PortAt[addr]
	if self == nil {
		return fmt.Errorf("no port stands at %s in the lists", s.ptr(addr))
	}
	s.scan(w, o, func(p *records.Port) bool {
		return p == self || p == self.Other() || p == self.Server() || p.Server() == self
	})
	s.trouble(o, w)
	return nil
}
