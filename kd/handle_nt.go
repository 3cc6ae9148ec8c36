package kd

import (
	"context"
	"fmt"
	"iter"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/target"
)

// Flags of !handle that are for Windows dumps alone.
const (
	handleKernel = 0x10
	handleID     = 0x20
)

// systemID is the id of the process that the kernel's own handles are of.
const systemID = 4

// kernelHandle turns a handle that names the kernel's table by its highest bit into the
// flag: 80000204, or ffffffff80000204 on 64-bit machines.
func kernelHandle(value, flags uint64, all bool) (uint64, uint64, bool, error) {
	const high = 0x80000000
	if all || flags&handleID != 0 || value&high == 0 {
		return value, flags, all, nil
	}
	if top := value >> 32; top != 0 && top != 0xffffffff {
		return value, flags, all, fmt.Errorf("%x is no handle: it has more than 32 bits", value)
	}
	return value & (high - 1), flags | handleKernel, all, nil
}

// handleProcess is the process whose handles are asked for: the third word, else the
// default one, in a Windows dump else the one that ran.
func (s *Session) handleProcess(args []string) (target.Process, error) {
	if w := s.windows(); w != nil && len(args) < 3 && s.process == 0 {
		if at, ok := w.Dump().CurrentProcess(); ok {
			return s.Target.System().Process(at)
		}
	}
	return s.processArg(args, 2)
}

// kernelTable is the process that the kernel's own handles are of.
func (s *Session) kernelTable() (target.Process, error) {
	if s.windows() == nil {
		return target.Process{}, fmt.Errorf("!handle: flags 10 and 20 are for Windows dumps; this target is %s", escape.Text(s.Target.Describe()))
	}
	return s.Target.System().Process(systemID)
}

// ids prints entries of the table of process and thread ids.
func (s *Session) ids(ctx context.Context, o *Out, id uint64, all bool, flags uint64, typ string) error {
	table, ok := s.Target.(interface {
		IDs() iter.Seq[target.Handle]
	})
	if !ok {
		return fmt.Errorf("!handle: this target shows no table of process and thread ids")
	}
	o.Printf("Table of process and thread ids\n")
	found, err := s.handleList(ctx, o, table.IDs(), func(h target.Handle) bool {
		return (all || h.Value == id) && (h.Object != 0 || flags&4 != 0)
	}, flags, typ)
	if err != nil {
		return err
	}
	if !found && !all {
		return fmt.Errorf("no process or thread has the id %x; !handle 0 23 lists them", id)
	}
	return nil
}
