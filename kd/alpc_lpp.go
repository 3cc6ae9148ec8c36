package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// ports lists the ports of a process, or of all when it is 0: by the kernel's list of
// ports.
func (a *alpcView) ports(process uint64) error {
	head, ok := a.s.windows().Dump().Symbol("AlpcpPortList")
	entry, described := a.w.Offset(0, "_ALPC_PORT", "PortListEntry")
	switch {
	case !ok:
		return fmt.Errorf("!alpc /lpp: the list of ports needs the symbol AlpcpPortList, which %s does not have; !alpc /p shows a port by its address", escape.Text(a.s.Target.Types(0).Source()))
	case !described:
		return fmt.Errorf("!alpc /lpp: %s does not describe _ALPC_PORT.PortListEntry", escape.Text(a.s.Target.Types(0).Source()))
	}
	if process != 0 {
		p, err := a.s.Target.System().Process(process)
		if err != nil {
			return err
		}
		process = p.Addr
	}
	var made, connected []string
	err := a.w.Walk(a.ctx, head, func(at uint64) bool {
		port := at - entry
		r, err := a.w.Read(port, "_ALPC_PORT")
		if err != nil {
			made = append(made, fmt.Sprintf("%s  not readable: %s", a.s.ptr(port), escape.Text(err.Error())))
			return true
		}
		owner := r.U("OwnerProcess")
		if process != 0 && owner != process {
			return true
		}
		who := ""
		if process == 0 {
			who = " of " + a.process(owner)
		}
		info, ok := r.Get("CommunicationInfo")
		if ok && info == 0 {
			return true // not connected
		}
		c, err := a.w.Read(info, "_ALPC_COMMUNICATION_INFO")
		if err != nil {
			made = append(made, fmt.Sprintf("%s%s  its connection is not readable: %s", a.portName(port), who, escape.Text(err.Error())))
			return true
		}
		switch port {
		case c.U("ConnectionPort"):
			n, err := a.connections(info)
			count := fmt.Sprint(n)
			if err != nil {
				count = "at least " + count
			}
			made = append(made, fmt.Sprintf("%s, %s connections%s", a.portName(port), count, who))
		case c.U("ClientCommunicationPort"):
			server := c.U("ConnectionPort")
			to := ""
			if s, err := a.w.Read(server, "_ALPC_PORT"); err == nil {
				to = " of " + a.process(s.U("OwnerProcess"))
			}
			connected = append(connected, fmt.Sprintf("%s%s -> %s%s", a.s.ptr(port), who, a.portName(server), to))
		}
		return true
	})
	if a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	if process == 0 {
		a.list("Ports created by all processes", made)
		a.list("Ports that all processes are connected to", connected)
	} else {
		a.list("Ports created by the process "+a.process(process), made)
		a.list("Ports that the process "+a.process(process)+" is connected to", connected)
	}
	if err != nil {
		a.o.Printf("The list of ports is not readable to its end: %s\n", escape.Text(err.Error()))
	}
	return nil
}

// list prints lines under a heading.
func (a *alpcView) list(heading string, lines []string) {
	a.o.Printf("%s:\n", heading)
	if len(lines) == 0 {
		a.o.Printf("    none\n")
	}
	a.o.Lines("    ", lines)
}
