package kd

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdHandle = Command{
	Name:  "!handle",
	Args:  "[Handle [Flags [Process [Type]]]]",
	Short: "Show a handle of a process and its object, or all its handles.",
	Long: `Handle 0, -1 or nothing is all of them. Flags: 1 the entry, 2 the object, 4 free entries too; 3
unless told. Process is an address or an id; nothing is the default process, in a Windows dump else the
one that ran. Type is the name of a type of objects: only its handles are shown. In Windows dumps also:
10 the kernel's own table, which a handle with its highest bit set means too; 20 Handle is the id of a
process or thread.`,
	Needs: target.Objects,
}

func init() { cmdHandle.Run = runHandle }

func runHandle(ctx context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 4, "!handle [Handle [Flags [Process [Type]]]]"); err != nil {
		return err
	}
	var value, flags uint64 = 0, 3
	all := len(args) == 0 || args[0] == "0" || args[0] == "-1"
	var err error
	if !all {
		if value, err = number(args[0]); err != nil {
			return err
		}
	}
	if len(args) > 1 {
		if flags, err = number(args[1]); err != nil {
			return err
		}
	}
	value, flags, all, err = kernelHandle(value, flags, all)
	if err != nil {
		return err
	}
	var p target.Process
	if flags&(handleKernel|handleID) != 0 {
		p, err = s.kernelTable()
	} else {
		p, err = s.handleProcess(args)
	}
	if err != nil {
		return err
	}
	typ := ""
	if len(args) > 3 {
		typ = args[3]
	}
	w, err := s.look(ctx, 0)
	if err != nil {
		return err
	}
	if flags&handleID != 0 {
		return s.ids(ctx, o, value, all, flags, typ)
	}
	return s.handles(ctx, w, o, p, func(h target.Handle) bool { return all || h.Value == value }, all, flags, typ)
}

// handles prints the handles of a process that are wanted.
func (s *Session) handles(ctx context.Context, w *records.World, o *Out, p target.Process, want func(target.Handle) bool, all bool, flags uint64, typ string) error {
	if s.reader.Ours(p.Addr) {
		o.Printf("process %s\n", s.ptr(p.Addr))
	} else {
		o.Printf("processor number 0, process %s\n", s.ptr(p.Addr))
	}
	s.processLines(w, o, p)
	if p.Err != nil {
		o.Printf("    Not readable: %s\n", escape.Text(p.Err.Error()))
		return nil
	}
	o.Printf("\n")
	s.tableLine(w, o, p)
	found, err := s.handleList(ctx, o, s.Target.System().Handles(p.Addr), func(h target.Handle) bool {
		return want(h) && (h.Object != 0 || flags&4 != 0 || !all)
	}, flags, typ)
	if err != nil {
		return err
	}
	if !found && !all {
		return fmt.Errorf("process %s has no such handle; !handle 0 lists them", s.ptr(p.Addr))
	}
	return nil
}

// handleList prints those of a table's entries that are wanted, and of that type where
// one is named. found tells whether there was any.
func (s *Session) handleList(ctx context.Context, o *Out, list iter.Seq[target.Handle], want func(target.Handle) bool, flags uint64, typ string) (found bool, err error) {
	for h := range list {
		if ctx.Err() != nil {
			return found, context.Cause(ctx)
		}
		if h.Err != nil {
			o.Printf("Not readable: %s\n", escape.Text(h.Err.Error()))
			continue
		}
		if !want(h) {
			continue
		}
		obj, err := target.Object{}, error(nil)
		if h.Object != 0 {
			obj, err = s.Target.System().Object(h.Object)
		}
		if typ != "" && !strings.EqualFold(obj.Type, typ) {
			continue
		}
		found = true
		s.handleLines(o, h, obj, err, flags)
	}
	return found, nil
}

// tableLine says where a process's handle table stands, where both that and the count of
// its entries can be read.
func (s *Session) tableLine(w *records.World, o *Out, p target.Process) {
	line := func(r *records.Record, place string, flags uint64) {
		at, ok := r.Get(place)
		if n, ok2 := r.Get("HandleCount"); ok && ok2 {
			o.Printf("Handle table at %s with %d Entries in use\n", s.ptr(at&^flags), n)
		}
	}
	if r, err := w.Read(p.Addr, "_EPROCESS"); err == nil {
		if t, err := w.Read(r.U("ObjectTable"), "_HANDLE_TABLE"); err == nil {
			line(t, "TableCode", 3)
		}
		return
	}
	if r, err := w.Read(p.Addr, "_LPC_POOL_HEADER"); err == nil {
		line(r, "HandleTable", 0)
	}
}

func (s *Session) handleLines(o *Out, h target.Handle, obj target.Object, err error, flags uint64) {
	if h.Object == 0 {
		o.Printf("%04x: free handle, Entry address %s, Next Entry %08x\n", h.Value, s.ptr(h.Entry), h.Next)
		return
	}
	bits := ""
	if h.Flags != "" {
		bits = " (" + escape.Text(h.Flags) + ")"
	}
	o.Printf("%04x: Object: %s  GrantedAccess: %08x%s Entry: %s\n", h.Value, s.ptr(h.Object), h.Access, bits, s.ptr(h.Entry))
	if flags&2 == 0 {
		return
	}
	if err != nil {
		o.Printf("Object: %s  not readable: %s\n", s.ptr(h.Object), escape.Text(err.Error()))
		return
	}
	s.objectLines(o, obj)
}
