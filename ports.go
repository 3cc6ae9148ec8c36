package lpc

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/namespace"
	"github.com/seed-eedd8485/lpc/security"
)

// PortInfo is what can be seen of a port from outside its process.
type PortInfo struct {
	Name        string // as given, without `\RPC Control\`; folded where only the directory tells it
	Path        string // of its socket
	PID         int    // of the listener; 0: not known
	UID         uint32 // of the listener
	Program     string // "" where it cannot be read
	Stale       bool   // its process died; the next Listen takes the name over
	Readable    bool   // the fields below were read from the listener's pool
	Why         string // why not
	Connections int
	Queued      int    // messages that wait for a worker
	Calls       uint64 // received since the port was made
}

// Ports lists the ports that the caller's roots hold, sorted by name: its own
// first, then those of /run/lpc. Each is probed by a connection, and its counters
// are read from the memory of its process, which is asked nothing; that needs the
// right to ptrace it. A port that cannot be read is listed with the reason.
func Ports(ctx context.Context) ([]PortInfo, error) {
	entries, err := namespace.List(ctx, namespace.SearchRoots())
	if err != nil {
		return nil, wrap("ls", "", 0, err)
	}
	pools := map[int]*pool.Remote{}
	ports := make([]PortInfo, 0, len(entries))
	for _, e := range entries {
		i := PortInfo{Name: e.Name.Short(), Path: e.Path, PID: e.PID, UID: e.UID, Stale: e.Stale}
		if i.Name == "" {
			i.Name = e.Path
		}
		switch {
		case e.Err != nil:
			i.Why = e.Err.Error()
		case e.Stale:
			i.Why = "stale: its process is gone"
		default:
			i.Program = security.ProgramName(e.PID)
			i.Why = i.read(pools, e.Name)
		}
		ports = append(ports, i)
	}
	return ports, nil
}

// read fills in what the listener's pool says; it returns why it could not.
func (i *PortInfo) read(pools map[int]*pool.Remote, name namespace.Name) string {
	r := pools[i.PID]
	if r == nil {
		var err error
		r, err = pool.OpenRemote(i.PID)
		switch {
		case errors.Is(err, fs.ErrPermission):
			return "not readable (no right to ptrace process, or it is not dumpable)"
		case err != nil:
			return "not readable (" + err.Error() + ")"
		}
		pools[i.PID] = r
	}
	if _, err := r.Header(); err != nil {
		return "not readable (" + err.Error() + ")"
	}
	for _, p := range r.Ports() {
		n, err := namespace.Parse(p.Text)
		if err != nil || !n.Equal(name) {
			continue
		}
		i.Readable = true
		i.Name = strings.TrimPrefix(p.Text, `\RPC Control\`)
		i.Connections, i.Queued, i.Calls = int(p.Connections), int(p.QueueLength), p.Calls
		return ""
	}
	return "not readable (its process has no port of this name)"
}
