package kd

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/records"
)

var cmdLpcPort = Command{
	Name:  "!lpc port",
	Args:  "[Address]",
	Short: "Show a port and what it is connected to, or list all ports.",
	Long: `A connection port is shown alone, with its queue. Of a connection the port asked for, its peer and
the connection port are shown. Without an address, or with 0, all objects of the types Port and
WaitablePort are listed: flags, address, connection port, communication port at the other end, name.
The low digit of the flags is the kind: 1 connection port, 2 unconnected, 3 server's end, 4 client's
end; 10000000 deleted, 20000000 waitable, 40000000 name deleted, 80000000 dynamic tracking.`,
	Needs: lpcNeeds,
}

func init() {
	cmdLpcPort.Run = runLpcPort
	cmdLpcPort.JSON = jsonLpcPort
}

func (s *Session) portArg(args []string) (addr uint64, err error) {
	if err := atMost(args, 1, "!lpc port [Address]"); err != nil {
		return 0, err
	}
	if err := s.emulated(); err != nil {
		return 0, err
	}
	return s.optional(args, 0)
}

func runLpcPort(ctx context.Context, s *Session, o *Out, args []string) error {
	addr, err := s.portArg(args)
	if err != nil {
		return err
	}
	w, err := s.look(ctx, records.Ports)
	if err != nil {
		return err
	}
	if addr == 0 {
		s.scan(w, o, func(*records.Port) bool { return true })
		s.trouble(o, w)
		return nil
	}
	p, err := s.portAt(w, addr)
	if err != nil {
		return err
	}
	return s.portBlocks(ctx, w, o, p)
}

// portAt is the port at an address. One that the lists do not hold, because they
// are gone or cannot be read, is taken from the object itself.
func (s *Session) portAt(w *records.World, addr uint64) (*records.Port, error) {
	if p := w.PortAt[addr]; p != nil {
		return p, nil
	}
	obj, err := s.Target.System().Object(addr)
	if err != nil {
		return nil, fmt.Errorf("%s is no port: %w", s.ptr(addr), err)
	}
	if !isPort(obj.Type) {
		return nil, fmt.Errorf("%s is no port but an object of type %q", s.ptr(addr), obj.Type)
	}
	return w.AddPort(obj)
}

func isPort(typ string) bool { return typ == "Port" || typ == "WaitablePort" }

// scan prints the lines of the ports that want them, by type: Port first.
func (s *Session) scan(w *records.World, o *Out, want func(*records.Port) bool) {
	for _, typ := range []string{"Port", "WaitablePort"} {
		n := 0
		var list []*records.Port
		for _, p := range w.Ports {
			if p.Object.Type != typ {
				continue
			}
			n++
			if want(p) {
				list = append(list, p)
			}
		}
		o.Printf("Scanning %d objects\n", n)
		for _, p := range list {
			s.portLine(o, p)
		}
	}
	if w.HowPorts != "" {
		o.Printf("(%s)\n", escape.Text(w.HowPorts))
	}
}

func (s *Session) portLine(o *Out, p *records.Port) {
	connection, peer := p.Connection, p.Connected
	if c := p.Server(); c != nil {
		connection = c.Addr
	}
	if other := p.Other(); other != nil {
		peer = other.Addr
	}
	o.Printf("%8x  Port: 0x%s Connection: 0x%s  Communication: 0x%s  '%s'\n", p.Flags, s.ptr(p.Addr), s.ptr(connection), s.ptr(peer), escape.Text(p.Object.Name))
}

// trouble prints what could not be read.
func (s *Session) trouble(o *Out, w *records.World) {
	for _, t := range w.Trouble {
		o.Printf("Not readable: %s\n", escape.Text(t))
	}
}

// jsonPort is a port as JSON. Addresses are hexadecimal strings: they have 64 bits.
type jsonPort struct {
	Address    string `json:"address"`
	Kind       string `json:"kind"`
	Flags      uint32 `json:"flags"`
	Process    uint32 `json:"process"`
	Connection string `json:"connection"`
	Peer       string `json:"communication"`
	Name       string `json:"name"`
	Queue      uint64 `json:"queue"`
	InProgress uint64 `json:"inProgress"`
	// What NT's ports do not count is null.
	Connections *uint32 `json:"connections"` // of a connection port
	Calls       *uint64 `json:"calls"`
	Datagrams   *uint64 `json:"datagrams"`
	Failures    *uint64 `json:"failures"`
}

func jsonLpcPort(ctx context.Context, s *Session, args []string) (any, error) {
	addr, err := s.portArg(args)
	if err != nil {
		return nil, err
	}
	w, err := s.look(ctx, records.Ports)
	if err != nil {
		return nil, err
	}
	list, ports := []jsonPort{}, w.Ports
	if addr != 0 {
		p, err := s.portAt(w, addr)
		if err != nil {
			return nil, err
		}
		ports = []*records.Port{p}
	}
	for _, p := range ports {
		j := jsonPort{Address: s.ptr(p.Addr), Kind: strings.ToLower(kindName(p.Kind)), Flags: p.Flags, Process: p.Process, Name: p.Name(), Queue: p.Queue, InProgress: p.Progress}
		if c := p.Server(); c != nil {
			j.Connection = s.ptr(c.Addr)
		}
		if other := p.Other(); other != nil {
			j.Peer = s.ptr(other.Addr)
		}
		if n := &p.Counts; n.Counted {
			j.Connections, j.Calls, j.Datagrams, j.Failures = &n.Connections, &n.Calls, &n.Datagrams, &n.Failures
		}
		list = append(list, j)
	}
	return struct {
		Ports      []jsonPort `json:"ports"`
		Unreadable []string   `json:"unreadable"`
	}{list, nonNil(w.Trouble)}, nil
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
