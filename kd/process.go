package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdProcess = Command{
	Name:  "!process",
	Args:  "[Process [Flags]]",
	Short: "Show a process with its threads, or list all processes.",
	Long: `Process is an address or an id, both hexadecimal; 0 is all of them, nothing is the default process.
Flags: 1 its memory and times (Windows dumps), 2 its threads with what they wait for, 4 the list of threads, 6 the call that each waits in too; 0
the process alone. Without flags all of it is shown, and of all processes 3.`,
	Needs: target.Threads,
}

func init() {
	cmdProcess.Run = runProcess
	cmdProcess.JSON = jsonProcess
}

func runProcess(ctx context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 2, "!process [Process [Flags]]"); err != nil {
		return err
	}
	all := len(args) > 0 && (args[0] == "0" || args[0] == "-1")
	flags := uint64(0xf)
	if all {
		flags = 3
	}
	if len(args) == 2 {
		var err error
		if flags, err = number(args[1]); err != nil {
			return err
		}
	}
	w, err := s.look(ctx, records.Threads|records.Ports)
	if err != nil {
		return err
	}
	if !all {
		p, err := s.processArg(args, 0)
		if err != nil {
			return err
		}
		return s.processText(ctx, w, o, p, flags)
	}
	o.Printf("**** NT ACTIVE PROCESS DUMP ****\n")
	for _, p := range w.Processes {
		if p.Addr == 0 && p.ID == 0 && p.Err != nil {
			o.Printf("Not readable: %s\n\n", escape.Text(p.Err.Error()))
			continue
		}
		if err := s.processText(ctx, w, o, p, flags); err != nil {
			return err
		}
		o.Printf("\n")
	}
	return nil
}

// processText prints a process; with flag 2 or 4 its threads too.
func (s *Session) processText(ctx context.Context, w *records.World, o *Out, p target.Process, flags uint64) error {
	s.processLines(w, o, p)
	if p.Err != nil {
		o.Printf("    Not readable: %s\n", escape.Text(p.Err.Error())) // one that has ended may show records all the same
	}
	if flags&1 != 0 {
		s.processDetails(w, o, p)
	}
	if flags&6 == 0 {
		return nil
	}
	o.Printf("\n")
	for _, t := range w.Threads {
		if t.ProcessAddr != p.Addr {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.threadText(w, o, t, flags&2 != 0, "        ")
		if flags&6 == 6 {
			s.threadStack(w, o, t, "        ")
		}
	}
	return nil
}

// processLines prints the three lines that name a process. What the target has not
// is a dash.
func (s *Session) processLines(w *records.World, o *Out, p target.Process) {
	session, peb, dir, table, count := "none", "-", "-", "-", "-"
	if r, err := w.Read(p.Addr, "_EPROCESS"); err == nil {
		if v, ok := r.Get("Peb"); ok {
			peb = s.ptr(v)
		}
		if v, ok := r.Get("Pcb.DirectoryTableBase[0]"); ok {
			dir = s.ptr(v)
		}
		if v, ok := r.Get("ObjectTable"); ok {
			table = s.ptr(v)
			if t, err := w.Read(v, "_HANDLE_TABLE"); err == nil {
				if n, ok := t.Get("HandleCount"); ok {
					count = fmt.Sprint(n)
				}
			}
		}
		if v, ok := r.Get("Session"); !ok || v != 0 {
			session = "-"
			if m, err := w.Read(v, "_MM_SESSION_SPACE"); err == nil {
				if n, ok := m.Get("SessionId"); ok {
					session = fmt.Sprint(n)
				}
			}
		}
	} else if r, err := w.Read(p.Addr, "_LPC_POOL_HEADER"); err == nil {
		table, count = s.ptr(r.U("HandleTable")), fmt.Sprint(r.U("HandleCount"))
	}
	o.Printf("PROCESS %s  SessionId: %s  Cid: %s    Peb: %s  ParentCid: %s\n", s.ptr(p.Addr), session, s.knownPid(p, p.ID), peb, s.knownPid(p, p.Parent))
	o.Printf("    DirBase: %s  ObjectTable: %s  HandleCount: %s.\n", dir, table, count)
	o.Printf("    Image: %s\n", escape.Text(p.Image))
}

// knownPid is an id of a process, a dash where nothing tells it: 0 is an id too.
func (s *Session) knownPid(p target.Process, id uint32) string {
	if id == 0 && p.Err != nil {
		return "-"
	}
	return s.pid(p.Addr, uint64(id))
}

type jsonProc struct {
	Address    string `json:"address"`
	PID        uint32 `json:"pid"`
	Parent     uint32 `json:"parent"`
	Image      string `json:"image"`
	Unreadable string `json:"unreadable,omitempty"`
}

func jsonProcess(_ context.Context, s *Session, args []string) (any, error) {
	list := []jsonProc{}
	add := func(p target.Process) {
		j := jsonProc{Address: s.ptr(p.Addr), PID: p.ID, Parent: p.Parent, Image: p.Image}
		if p.Err != nil {
			j.Unreadable = p.Err.Error()
		}
		list = append(list, j)
	}
	if len(args) > 0 && args[0] != "0" && args[0] != "-1" {
		p, err := s.processArg(args, 0)
		if err != nil {
			return nil, err
		}
		add(p)
		return list, nil
	}
	for p := range s.Target.System().Processes() {
		add(p)
	}
	return list, nil
}
