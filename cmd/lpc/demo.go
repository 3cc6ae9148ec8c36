package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/escape"
)

const demoPort = `\RPC Control\demo`

// demoPatience is how long the demo waits for its two processes before it says
// that they hang. It is far above what the demo takes.
const demoPatience = 30 * time.Second

// demoCmd is lpc demo. Its hidden flags make it one of the demo's own
// processes, and make the server misbehave for the tests.
type demoCmd struct {
	Role  string `hidden:"" enum:",server,client" default:""`
	Fault string `hidden:"" enum:",refuse,die-connect,die-call,die-file,die-early,bad-sum,hang" default:""`
	Dir   string `hidden:""`
}

// Run is the demo's parent, or with --role one of its processes.
func (d *demoCmd) Run() error {
	switch d.Role {
	case "server":
		return serveDemo(d.Fault)
	case "client":
		return callDemo(filepath.Join(d.Dir, "demo.bin"))
	}
	// A reader that is gone (lpc demo | head) must not end the process either: the
	// write fails, and the demo takes its directory away.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, demoPatience)
	defer cancel()
	return runDemo(ctx, d.Fault)
}

// demoStep is one part of the demo: its heading, and what the client does.
type demoStep struct {
	title string
	do    func(*demoClient) error
}

var demoSteps = []demoStep{
	{"The handshake: a port, a connection request, a connection", (*demoClient).connect},
	{"A small call: up to 304 bytes go in the message itself", (*demoClient).small},
	{"A file of 8 MiB: more than 304 bytes go through shared section memory", (*demoClient).file},
	{"A datagram: one way, no reply", (*demoClient).datagram},
	{"A callback: the server calls the client that waits for it", (*demoClient).callback},
	{"The caller's identity: the kernel tells the server, not the client", (*demoClient).identity},
	{"The server is killed in the middle of a call", (*demoClient).orphan},
}

// theater is the parent of a demo: it owns both processes and the events that
// came from them and were not printed yet.
type theater struct {
	ctx            context.Context
	view           *demoView
	server, client *actor
	events         []demoEvent
	failure        *demoEvent // what the client said went wrong
}

// runDemo plays the demo in a private namespace that it removes again.
func runDemo(ctx context.Context, fault string) (err error) {
	dir, err := os.MkdirTemp("", "lpc-demo-")
	if err != nil {
		return about(demoPort, err)
	}
	defer func() {
		if rmErr := os.RemoveAll(dir); err == nil {
			err = about(demoPort, rmErr)
		}
	}()
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o700); err != nil {
		return about(demoPort, err)
	}
	t := &theater{ctx: ctx, view: newDemoView(os.Stdout)}
	defer t.clear()
	if t.server, err = startActor("server", root, "--fault="+fault); err != nil {
		return about(demoPort, err)
	}
	t.await(func() bool { return t.server.ready || t.server.gone })
	if !t.server.ready {
		return t.unready()
	}
	if t.client, err = startActor("client", root, "--dir="+dir); err != nil {
		return about(demoPort, err)
	}
	for i := range demoSteps {
		if err := t.step(i); err != nil {
			t.view.stopped(i)
			return err
		}
	}
	t.view.done()
	return nil
}

// unready is for a server that did not come to listen, and has said why on stderr.
func (t *theater) unready() error {
	t.reap(t.server)
	t.view.step(0, t.events)
	t.view.stopped(0)
	if err := t.interrupted(); err != nil {
		return err
	}
	return exitError(max(statusOther, t.server.cmd.ProcessState.ExitCode()))
}

// interrupted is the error of a demo that was told to end, or ran out of time.
func (t *theater) interrupted() error {
	if t.ctx.Err() == nil {
		return nil
	}
	return about(demoPort, fmt.Errorf("the demo was ended: %w", context.Cause(t.ctx)))
}

// step has the client do step i and prints what both processes say of it, in the
// order of time, when both are done with it.
func (t *theater) step(i int) error {
	t.client.tell("step %d", i)
	t.await(func() bool {
		if t.server.holds {
			t.server.holds = false
			t.note("demo", os.Getpid(), "sends SIGKILL to the server")
			t.reap(t.server)
		}
		return t.client.done == i+1 || t.failure != nil || t.client.gone
	})
	// The server's last words on this step may come after the client's.
	t.server.tell("sync %d", t.client.sent)
	t.await(func() bool { return t.server.synced == t.client.sent || t.server.gone })
	for _, a := range []*actor{t.server, t.client} {
		if a.gone || t.ctx.Err() != nil {
			t.reap(a)
		}
	}
	t.view.step(i, t.events)
	t.events = nil
	switch {
	case errors.Is(t.view.err, syscall.EPIPE):
		return exitError(statusOther) // nobody reads: there is nothing to say
	case t.view.err != nil:
		return about(demoPort, t.view.err)
	case t.ctx.Err() != nil:
		return t.interrupted()
	case t.failure != nil:
		fmt.Fprintf(os.Stderr, "lpc: %s\n", escape.Text(t.failure.Text))
		return exitError(t.failure.Status)
	case t.client.done != i+1:
		return about(demoPort, fmt.Errorf("the demo's client ended early: %s", t.client.end))
	}
	return nil
}

// await takes events from both processes until ok, or the demo's time is over.
func (t *theater) await(ok func() bool) {
	for !ok() {
		var fromClient <-chan demoEvent
		if t.client != nil {
			fromClient = t.client.events
		}
		select {
		case e, open := <-t.server.events:
			t.take(t.server, e, open)
		case e, open := <-fromClient:
			t.take(t.client, e, open)
		case <-t.ctx.Done():
			return
		}
	}
}

// take books one event: signs between the processes here, the rest for print.
func (t *theater) take(a *actor, e demoEvent, open bool) {
	if !open {
		a.gone, a.events = true, nil
		return
	}
	switch e.What {
	case signReady:
		a.ready = true
	case signSynced:
		a.synced = e.Count
	case signHolds:
		a.holds = true
	case signDone:
		a.done, a.sent = e.Step+1, e.Count
	case signFailed:
		a.sent = e.Count
		t.failure = &e
	default:
		e.Role, e.PID = a.role, a.pid
		t.events = append(t.events, e)
	}
}

// reap kills a process, if it is not dead yet, takes what it still has said, and
// books how it ended.
func (t *theater) reap(a *actor) {
	if a.end != "" {
		return
	}
	a.kill()
	for !a.gone {
		e, open := <-a.events
		t.take(a, e, open)
	}
	t.note(a.role, a.pid, "has ended: "+a.end)
}

// note books what the parent did or saw itself.
func (t *theater) note(role string, pid int, text string) {
	t.events = append(t.events, demoEvent{At: t.view.now(), What: said, Text: text, Role: role, PID: pid})
}

// clear ends what is still there.
func (t *theater) clear() {
	for _, a := range []*actor{t.client, t.server} {
		if a != nil {
			a.kill()
		}
	}
}

// whoIs is how demo lines name a peer.
func whoIs(c lpc.Caller) string { return fmt.Sprintf("pid %d (uid %d)", c.PID, c.UID) }
