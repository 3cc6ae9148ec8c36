package kd

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdThread = Command{
	Name:  "!thread",
	Args:  "[Address [Flags]]",
	Short: "Show a thread: what it waits for, since when, and in which call.",
	Long: `Without an address the default thread (.thread), in a Windows dump else the one that ran. Flags: 2 what it waits for, 4 its stack; 6 unless told.
A thread that waits for a reply shows the message's id and the port; the call that it waits in is the
top frame, and the first argument of that is the port's handle: !handle shows its object.`,
	Needs: target.Threads,
}

func init() { cmdThread.Run = runThread }

func runThread(ctx context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 2, "!thread [Address [Flags]]"); err != nil {
		return err
	}
	addr, err := s.optional(args, 0)
	if err != nil {
		return err
	}
	if addr == 0 {
		addr = s.thread
	}
	if nt := s.windows(); nt != nil && addr == 0 {
		addr, _ = nt.Dump().CurrentThread()
	}
	if addr == 0 {
		return fmt.Errorf("which thread? Name one by its address (!process 0 6 lists them), or set the default with .thread")
	}
	flags := uint64(6)
	if len(args) == 2 {
		if flags, err = number(args[1]); err != nil {
			return err
		}
	}
	w, err := s.look(ctx, records.Threads|records.Ports)
	if err != nil {
		return err
	}
	for _, t := range w.Threads {
		if t.Addr == addr {
			s.threadText(w, o, t, flags&2 != 0, "")
			if flags&4 != 0 {
				s.threadStack(w, o, t, "")
			}
			return nil
		}
	}
	if s.unlistedThread(w, o, addr, flags) {
		return nil
	}
	return fmt.Errorf("no thread stands at %s; !process 0 6 lists them", s.ptr(addr))
}

// threadText prints a thread without its stack. Lines for which the target has no
// field are left out.
func (s *Session) threadText(w *records.World, o *Out, t *records.Thread, wait bool, indent string) {
	r, err := w.Read(t.Addr, "_ETHREAD")
	if err != nil {
		o.Printf("%sTHREAD %s  not readable: %s\n", indent, s.ptr(t.Addr), escape.Text(err.Error()))
		return
	}
	cid := "-.-"
	if _, ok := r.Get("Cid.UniqueThread"); ok {
		cid = s.cid(t.Addr, t.Cid.UniqueProcess, t.Cid.UniqueThread)
	}
	line := fmt.Sprintf("%sTHREAD %s  Cid %s", indent, s.ptr(t.Addr), cid)
	if v, ok := r.Get("Tcb.Teb"); ok {
		line += "  Teb: " + s.ptr(v)
	}
	if v, ok := r.Get("Tcb.Win32Thread"); ok {
		line += "  Win32Thread: " + s.ptr(v)
	}
	o.Printf("%s %s\n", line, threadState(t, r))
	if !wait {
		return
	}
	indent += "    "
	s.waitObjects(w, o, t, r, indent)
	if t.Reply != 0 {
		o.Printf("%sWaiting for reply to LPC MessageId %08x:\n", indent[:len(indent)-4], t.Reply)
		o.Printf("%sCurrent LPC port %s\n", indent[:len(indent)-4], s.ptr(t.Port))
	}
	if t.Received != 0 {
		o.Printf("%sWorking on LPC MessageId %08x\n", indent[:len(indent)-4], t.Received)
	}
	indent = indent[:len(indent)-4]
	s.impersonation(w, o, r, indent)
	if e, err := w.Read(t.ProcessAddr, "_EPROCESS"); err == nil {
		if v, ok := e.Get("DeviceMap"); ok {
			o.Printf("%sDeviceMap %s\n", indent, s.ptr(v))
		}
	}
	p, perr := s.Target.System().Process(t.ProcessAddr)
	if perr == nil {
		o.Printf("%sOwning Process %s       Image:         %s\n", indent, s.ptr(p.Addr), escape.Text(p.Image))
	}
	s.waitTime(w, o, t, r, indent)
	s.threadCounters(o, r, indent)
	if r.Torn {
		o.Printf("%sThe record changed while it was read\n", indent)
	}
}

var threadStates = [...]string{"Initialized", "READY", "RUNNING", "STANDBY", "TERMINATED", "WAIT", "TRANSITION", "DEFERRED_READY", "GATEWAIT"}

// threadState is the end of a thread's first line.
func threadState(t *records.Thread, r *records.Record) string {
	st, known := r.Get("Tcb.State")
	if known && st != 5 {
		if st == 2 {
			if n, ok := r.Get("Tcb.NextProcessor"); ok {
				return fmt.Sprintf("RUNNING on processor %d", n)
			}
		}
		return name(threadStates[:], st)
	}
	if !known && t.Reason == 0 {
		return "NOT WAITING in lpc"
	}
	line := "WAIT: (" + records.WaitReason(t.Reason) + ")"
	if v, ok := r.Get("Tcb.WaitMode"); ok {
		line += map[bool]string{true: " UserMode", false: " KernelMode"}[v != 0]
	}
	if v, ok := r.Get("Tcb.Alertable"); ok {
		line += map[bool]string{true: " Alertable", false: " Non-Alertable"}[v != 0]
	}
	return line
}

func name(names []string, n uint64) string {
	if n < uint64(len(names)) {
		return names[n]
	}
	return fmt.Sprintf("%d", n)
}

// waitTime prints since when a thread waits.
func (s *Session) waitTime(w *records.World, o *Out, t *records.Thread, r *records.Record, indent string) {
	start, ok := r.Get("Tcb.WaitTime")
	if !ok && t.Reason != 0 {
		start, ok = r.Get("WaitStart")
	}
	if !ok {
		return
	}
	o.Printf("%sWait Start TickCount      %d", indent, start)
	s.windowsTicks(o, start)
	age := w.Age(t.ProcessAddr, start)
	if h, err := w.Read(t.ProcessAddr, "_LPC_POOL_HEADER"); err == nil && age >= 0 {
		if hz := h.U("ClockHz"); hz != 0 {
			o.Printf("       Ticks: %.0f (%s)", age.Seconds()*float64(hz), days(age))
		}
	}
	o.Printf("\n")
}

// days is a time as WinDbg writes one: d:hh:mm:ss.mmm.
func days(d time.Duration) string {
	d = d.Round(time.Millisecond)
	ms := d.Milliseconds()
	return fmt.Sprintf("%d:%02d:%02d:%02d.%03d", ms/86400000, ms/3600000%24, ms/60000%60, ms/1000%60, ms%1000)
}

// threadCounters prints what NT counts of a thread.
func (s *Session) threadCounters(o *Out, r *records.Record, indent string) {
	if v, ok := r.Get("Tcb.ContextSwitches"); ok {
		large := ""
		if r.U("Tcb.LargeStack") != 0 {
			large = "             LargeStack"
		}
		o.Printf("%sContext Switch Count      %d%s\n", indent, v, large)
	}
	for _, f := range []struct{ name, path string }{{"UserTime", "Tcb.UserTime"}, {"KernelTime", "Tcb.KernelTime"}} {
		// Counted in clock interrupts, whose distance the record does not tell.
		if v, ok := r.Get(f.path); ok && v == 0 {
			o.Printf("%s%-25s 00:00:00.000\n", indent, f.name)
		} else if each, known := s.tick(); ok && known {
			o.Printf("%s%-25s %s\n", indent, f.name, clockText(time.Duration(v)*each))
		} else if ok {
			o.Printf("%s%-25s %d clock interrupts\n", indent, f.name, v)
		}
	}
	if v, ok := r.Get("Win32StartAddress"); ok && r.U("SameThreadApcFlags")&1 == 0 { // else the word is LpcReceivedMessageId
		o.Printf("%sWin32 Start Address %s\n", indent, s.startAddress(r.Addr, v))
	}
	if v, ok := r.Get("StartAddress"); ok {
		o.Printf("%sStart Address %s\n", indent, s.startAddress(r.Addr, v))
	}
	s.stackLines(o, r, indent)
	if v, ok := r.Get("Tcb.Priority"); ok {
		o.Printf("%sPriority %d BasePriority %d PriorityDecrement %d", indent, v, r.U("Tcb.BasePriority"), r.U("Tcb.PriorityDecrement"))
		if v, ok := r.Get("Tcb.DecrementCount"); ok {
			o.Printf(" DecrementCount %d", v)
		}
		o.Printf("\n")
	}
}

// stackLines prints where a thread's kernel stack lies.
func (s *Session) stackLines(o *Out, r *records.Record, indent string) {
	init, ok := r.Get("Tcb.InitialStack")
	if !ok {
		return
	}
	call := "0"
	if v, ok := r.Get("Tcb.CallbackStack"); !ok {
		call = "-"
	} else if v != 0 {
		call = s.ptr(v)
	}
	between := " "
	if s.Target.PointerSize() == 8 {
		between = "\n" + indent
	}
	known := func(path string) string {
		if v, ok := r.Get(path); ok {
			return s.long(v)
		}
		return "-"
	}
	o.Printf("%sStack Init %s Current %s%sBase %s Limit %s Call %s\n", indent, s.long(init), known("Tcb.KernelStack"), between, known("Tcb.StackBase"), known("Tcb.StackLimit"), call)
}

// impersonationLevels are NT's, by number.
var impersonationLevels = [...]string{"Anonymous", "Identification", "Impersonation", "Delegation"}

func (s *Session) impersonation(w *records.World, o *Out, r *records.Record, indent string) {
	info, ok := r.Get("ImpersonationInfo")
	switch {
	case !ok:
	case info == 0:
		o.Printf("%sNot impersonating\n", indent)
	default:
		i, err := w.Read(info, "_PS_IMPERSONATION_INFORMATION")
		if err != nil {
			o.Printf("%sImpersonation information %s is not readable\n", indent, s.ptr(info))
			return
		}
		o.Printf("%sImpersonation token:  %s (Level %s)\n", indent, s.ptr(i.U("Token")), name(impersonationLevels[:], i.U("ImpersonationLevel")))
	}
}
