package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-eedd8485/lpc/namespace"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// listener is a port that somebody listens on.
type listener struct {
	port  target.Object // Err: why its socket did not tell who listens
	pid   int           // 0: not known
	start uint64        // of that process, so that its number is not another's
}

// listTime bounds how long sockets are asked for their owner: one that does not
// answer costs its name, not the command.
const listTime = 2 * time.Second

// listen asks the sockets of the caller's roots for their owners.
func listen() (l []listener) {
	ctx, cancel := context.WithTimeout(context.Background(), listTime)
	defer cancel()
	entries, _ := namespace.List(ctx, namespace.SearchRoots()) // what it got so far counts
	for _, e := range entries {
		if e.Stale {
			continue
		}
		path := e.Name.String()
		o := target.Object{Type: "Port", Name: path[strings.LastIndexByte(path, '\\')+1:], Path: path}
		switch {
		case e.Err != nil && path == "":
			o.Type, o.Err = "Directory", fmt.Errorf("directory %s: %w", e.Path, e.Err)
		case e.Err != nil:
			o.Err = fmt.Errorf("who listens is not known: %w", e.Err)
		case e.PID == 0:
			o.Err = errors.New("who listens is not known: its socket does not tell")
		}
		l = append(l, listener{o, e.PID, startTicks(e.PID)})
	}
	return l
}

// name adds what is known of processes that may not be read: those that listen on
// a name, and those at the other end of connections. denied are the processes that
// may not be read.
func (t *Target) name(pools []*lpcpool.Pool, denied map[int]error) {
	t.denied = 0
	t.SetStrays(nil)
	if len(denied) == 0 {
		return
	}
	if t.listed == nil {
		t.listed = append(listen(), listener{}) // not nil: it is asked once
	}
	known := map[int]*lpcpool.Pool{}
	add := func(pid int) *lpcpool.Pool {
		if known[pid] == nil {
			known[pid] = &lpcpool.Pool{Number: uint32(pid), Process: target.Process{ID: uint32(pid), Parent: parent(pid), Image: command(pid), Start: started(pid), Err: denied[pid]}}
		}
		return known[pid]
	}
	read := t.readable()
	var strays []target.Object
	for _, l := range t.listed {
		o := l.port
		switch {
		case o.Type == "", l.pid != 0 && startTicks(l.pid) != l.start, read[strings.ToLower(o.Path)]:
			// no more, or seen in its process's pool
		case denied[l.pid] != nil:
			p := add(l.pid)
			p.Ports = append(p.Ports, o)
		default:
			if o.Err == nil {
				o.Err = fmt.Errorf("process %d, which listens on it, shows no pool", l.pid)
			}
			strays = append(strays, o)
		}
	}
	for pid := range t.Peers() {
		if pid < 1<<31 && denied[int(pid)] != nil {
			add(int(pid))
		}
	}
	for _, p := range known {
		pools = append(pools, p)
	}
	slices.SortFunc(strays, func(a, b target.Object) int { return cmp.Compare(a.Path, b.Path) })
	t.SetStrays(strays)
	t.denied = len(known)
	t.Reset(pools)
}

// readable are the names, folded, of the ports in the pools that were read.
func (t *Target) readable() map[string]bool {
	names := map[string]bool{}
	ports, _ := t.Ports()
	for o := range ports {
		if o.Path != "" && o.Err == nil {
			names[strings.ToLower(o.Path)] = true
		}
	}
	return names
}
