package kd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/records"
)

var cmdAlpc = Command{
	Name:  "!alpc",
	Args:  "/p Port | /m Message | /lpp [Process]",
	Short: "Show a port or message of ALPC, or the ports of a process (Windows Vista and later).",
	Long: `/p shows a port: its connection, its owner, the threads that wait on it and its queues. /m shows a
message. /lpp lists the ports that a process has made and those that it is connected to; without a
process, those of all. Members are shown by the names that the types give them, which .isf FILE brings:
none are built in. /lpp finds ports by the kernel's list, so it needs the symbol AlpcpPortList too.`,
}

func init() {
	cmdAlpc.Refuse = refuseAlpc
	cmdAlpc.Run = runAlpc
}

// refuseAlpc is for targets that have no ALPC.
func refuseAlpc(s *Session) error {
	w := s.windows()
	if w == nil {
		return fmt.Errorf("ALPC is Windows'; the ports of %s are shown by !lpc", escape.Text(s.Target.Describe()))
	}
	if build := w.Dump().Header().Build; build < firstALPC {
		return fmt.Errorf("ALPC came with Windows Vista, and this is build %d: its ports are shown by !lpc", build)
	}
	if _, why := w.Dump().HasPageTables(); why != "" {
		return errors.New("no port can be read: " + why)
	}
	return nil
}

func runAlpc(ctx context.Context, s *Session, o *Out, args []string) error {
	usage := "usage: !alpc " + cmdAlpc.Args
	if len(args) == 0 {
		return errors.New(usage)
	}
	what, rest := strings.ToLower(args[0]), args[1:]
	if err := atMost(rest, 1, "!alpc "+cmdAlpc.Args); err != nil {
		return err
	}
	addr, err := s.optional(rest, 0)
	if err != nil {
		return err
	}
	if what != "/lpp" && addr == 0 && (what == "/p" || what == "/m") {
		return fmt.Errorf("!alpc %s needs an address; %s", what, usage)
	}
	a, err := s.alpc(ctx, o)
	if err != nil {
		return err
	}
	switch what {
	case "/p":
		return a.port(addr)
	case "/m":
		return a.message(addr)
	case "/lpp":
		return a.ports(addr)
	}
	return fmt.Errorf("%s is no option of !alpc; %s", escape.Text(args[0]), usage)
}

// An alpcView prints structures of ALPC.
type alpcView struct {
	ctx context.Context
	s   *Session
	w   *records.World
	o   *Out
}

// alpcNeeds are the structures without which nothing can be shown.
var alpcNeeds = []string{"_ALPC_PORT", "_ALPC_COMMUNICATION_INFO", "_KALPC_MESSAGE"}

func (s *Session) alpc(ctx context.Context, o *Out) (*alpcView, error) {
	build := s.windows().Dump().Header().Build
	var missing []string
	t := s.Target.Types(0)
	for _, name := range alpcNeeds {
		if t == nil || t.Layout(name) == nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		have := "there are no types for this dump"
		if t != nil {
			have = escape.Text(t.Source()) + " does not describe " + strings.Join(missing, ", ")
		}
		return nil, fmt.Errorf("!alpc: %s; .isf FILE brings the types of build %d", have, build)
	}
	w, err := s.look(ctx, 0)
	if err != nil {
		return nil, err
	}
	return &alpcView{ctx, s, w, o}, nil
}

// field is a member to be shown: under a name, by the first of its paths that the
// types have.
type field struct {
	name  string
	paths []string
	text  func(a *alpcView, v uint64) string // nil: an address
}

func numberText(_ *alpcView, v uint64) string { return fmt.Sprintf("0x%08x (%d)", uint32(v), int32(v)) }

func lengthText(_ *alpcView, v uint64) string { return fmt.Sprintf("0x%04x (%d)", v, v) }

func yesText(_ *alpcView, v uint64) string {
	if v != 0 {
		return "Yes"
	}
	return "No"
}

// fields prints members. Of one that the types do not have, it says so; of one whose
// memory is absent too.
func (a *alpcView) fields(r *records.Record, width int, list []field) {
	for _, f := range list {
		path := f.paths[0]
		if i := slices.IndexFunc(f.paths, r.Has); i >= 0 {
			path = f.paths[i]
		}
		v, ok := r.Get(path)
		text := "(not described by these types)"
		switch {
		case ok && f.text != nil:
			text = f.text(a, v)
		case ok:
			text = a.s.ptr(v)
		case r.At(path) != 0:
			text = "(not readable)"
		}
		a.o.Printf("  %-*s: %s\n", width, f.name, text)
	}
}

// process names the process at an address.
func (a *alpcView) process(v uint64) string {
	if p, err := a.s.Target.System().Process(v); err == nil && v != 0 && p.Addr == v && p.Image != "" {
		return a.s.ptr(v) + " (" + escape.Text(p.Image) + ")"
	}
	return a.s.ptr(v)
}

// portName is a port with its object's name, where that can be read.
func (a *alpcView) portName(v uint64) string {
	text := a.s.ptr(v)
	if v == 0 {
		return text
	}
	if obj, err := a.s.Target.System().Object(v); err == nil && obj.Name != "" {
		text += " ('" + escape.Text(obj.Name) + "')"
	}
	return text
}

// kind is what a port is, by the connection that it belongs to.
func (a *alpcView) kind(addr uint64) string {
	r, err := a.w.Read(addr, "_ALPC_PORT")
	if err != nil {
		return "not readable"
	}
	info, ok := r.Get("CommunicationInfo")
	if ok && info == 0 {
		return "ALPC_UNCONNECTED_COMMUNICATION_PORT"
	}
	c, err := a.w.Read(info, "_ALPC_COMMUNICATION_INFO")
	switch {
	case !ok || err != nil:
		return "not known: its connection is not readable"
	case c.U("ConnectionPort") == addr:
		return "ALPC_CONNECTION_PORT"
	case c.U("ServerCommunicationPort") == addr:
		return "ALPC_SERVER_COMMUNICATION_PORT"
	case c.U("ClientCommunicationPort") == addr:
		return "ALPC_CLIENT_COMMUNICATION_PORT"
	}
	return "a port that its own connection does not name"
}
