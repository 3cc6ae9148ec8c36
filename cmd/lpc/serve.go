package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/wire"
)

// serveCmd is lpc serve.
type serveCmd struct {
	Echo       bool     `xor:"what" help:"Reply to each request with its own data."`
	Exec       bool     `xor:"what" help:"Run CMD for each request: data on its standard input, reply on its standard output."`
	Jobs       *int     `short:"j" name:"jobs" placeholder:"N" help:"Run at most N commands at once (as many as there are cores unless told)."`
	MaxMessage int      `placeholder:"BYTES" help:"Largest request and largest reply (1 GiB unless told)."`
	Name       string   `arg:"" help:"The port: spool, ncalrpc:[spool] or \\RPC Control\\spool."`
	Cmd        []string `arg:"" optional:"" passthrough:"" help:"With --exec: the command and its arguments."`
}

// Run serves the port until SIGTERM or SIGINT. It says on stderr when it listens.
func (s *serveCmd) Run() error {
	if err := s.check(); err != nil {
		return err
	}
	soft, hard, stop := stopSignals()
	defer stop()
	handler, err := s.handler(hard)
	if err != nil {
		return about(s.Name, err)
	}
	port, err := lpc.Listen(s.Name, &lpc.ListenOptions{MaxMessage: s.MaxMessage, MaxWorkers: s.workers()})
	if err != nil {
		return about(s.Name, err)
	}
	defer port.Close()
	fmt.Fprintf(os.Stderr, "serving %s\n", escape.Text(port.Name()))
	if err := lpc.Serve(soft, port, handler); err != nil && !errors.Is(err, soft.Err()) {
		return about(s.Name, err)
	}
	return about(s.Name, port.Close())
}

// check finds what kong cannot: flags that do not go together. A passthrough
// argument keeps a "--" that was put before it.
func (s *serveCmd) check() error {
	if len(s.Cmd) > 0 && s.Cmd[0] == "--" {
		s.Cmd = s.Cmd[1:]
	}
	wrong := func(text string) error { return usageError{"serve " + s.Name + ": " + text} }
	switch {
	case !s.Echo && !s.Exec:
		return wrong("say what the server does: --echo, or --exec CMD...")
	case s.Exec && len(s.Cmd) == 0:
		return wrong("--exec needs a command behind it")
	case s.Echo && len(s.Cmd) > 0:
		return wrong("--echo takes no command")
	case s.Echo && s.Jobs != nil:
		return wrong("-j is for --exec")
	case s.Jobs != nil && *s.Jobs < 1:
		return wrong("-j needs a number above 0")
	case s.MaxMessage < 0 || s.MaxMessage > wire.DefaultLimit:
		return wrong(fmt.Sprintf("--max-message goes from 1 to %d", wire.DefaultLimit))
	}
	return nil
}

// workers is how many handlers may run at once: more requests wait in the
// port's queue, where ls shows them. 0 is the library's own number.
func (s *serveCmd) workers() int {
	switch {
	case s.Echo:
		return 0
	case s.Jobs != nil:
		return *s.Jobs
	}
	return runtime.GOMAXPROCS(0)
}

// handler is what serves the requests; commands in progress are killed when
// hard is done.
func (s *serveCmd) handler(hard context.Context) (lpc.Handler, error) {
	if s.Echo {
		return lpc.HandlerFunc(echo), nil
	}
	path, err := exec.LookPath(s.Cmd[0])
	if err != nil {
		return nil, fmt.Errorf("finding the command: %w", err)
	}
	limit := s.MaxMessage
	if limit == 0 {
		limit = wire.DefaultLimit
	}
	return &execHandler{path: path, args: s.Cmd, limit: limit, hard: hard}, nil
}

// echo replies with the request. Small data is the receiver's copy already, and
// of large data nothing depends on what it says, so a view will do.
func echo(r lpc.Request) {
	if r.Kind() == lpc.KindDatagram {
		return
	}
	replied(r, r.Reply(r.View()))
}

// replied tells on stderr that a reply could not be given, unless because the
// caller is not there any more.
func replied(r lpc.Request, err error) {
	if err != nil && !errors.Is(err, lpc.ErrAbandoned) && r.Context().Err() == nil {
		fmt.Fprintf(os.Stderr, "lpc: replying to pid %d: %s\n", r.Caller().PID, escape.Text(err.Error()))
	}
}

// stopSignals returns a context that ends with the first SIGTERM or SIGINT and
// one that ends with the second. stop gives the signals back. Until then a
// stderr that nobody reads does not end the process.
func stopSignals() (soft, hard context.Context, stop func()) {
	soft, softCancel := context.WithCancel(context.Background())
	hard, hardCancel := context.WithCancel(context.Background())
	c := make(chan os.Signal, 2)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGINT)
	// Caught, not ignored: the commands that we start would inherit that.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		for _, cancel := range []func(){softCancel, hardCancel} {
			select {
			case <-c:
				cancel()
			case <-done:
				return
			}
		}
	}()
	return soft, hard, func() {
		signal.Stop(c)
		signal.Stop(pipe)
		close(done)
		softCancel()
		hardCancel()
	}
}
