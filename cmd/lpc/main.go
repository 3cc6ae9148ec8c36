package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

// commands is the whole command line; kong reads the tags.
type commands struct {
	Demo     demoCmd     `cmd:"" help:"Show a server process and a client process at work: handshake, calls, the death of the server."`
	Serve    serveCmd    `cmd:"" help:"Serve a port: echo, or run a command for each request."`
	Call     callCmd     `cmd:"" help:"Call a port and write the reply to standard output."`
	Send     sendCmd     `cmd:"" help:"Send a port a datagram: one way, no reply."`
	Ls       lsCmd       `cmd:"" help:"List the ports of this machine that the caller may find."`
	Pool     poolCmd     `cmd:"" help:"Show whose memory it is: the pools and sections of running processes, by tag or by owner."`
	Graph    graphCmd    `cmd:"" help:"Draw who is connected to whom and who waits for whom, deadlocks in red."`
	Top      topCmd      `cmd:"" help:"Show the ports as they work: calls, queues, busy receivers; on a terminal with keys."`
	Kd       kdCmd       `cmd:"" help:"Debug: who waits for whom, in running processes, snapshots and cores."`
	Snapshot snapshotCmd `cmd:"" help:"Write the ports, messages and waiting threads of running processes to a file for kd."`
	Mbr      mbrCmd      `cmd:"" help:"Read a disk's boot sector: partitions, what is wrong with them, what the boot code does."`
	Bench    benchCmd    `cmd:"" passthrough:"" help:"Measure calls between two processes; lpc bench --help tells more."`
}

// usageError is a command line that cannot be carried out: status 2.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func main() {
	if benchChild() {
		return
	}
	os.Exit(run(os.Args[1:]))
}

// run carries out one command line and returns its exit status.
func run(args []string) int {
	// bench has flags of its own, --help among them, so it gets its arguments unread.
	if len(args) > 0 && args[0] == "bench" {
		return benchMain(args[1:])
	}
	var c commands
	k, err := kong.New(&c,
		kong.Name("lpc"),
		kong.Description(description),
		kong.Help(help),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
	)
	if err != nil {
		panic(err) // the tags above are wrong: a test would have seen it
	}
	ctx, err := k.Parse(args)
	if err != nil {
		return report(usageError{err.Error() + "; lpc --help tells more"})
	}
	return report(ctx.Run())
}

// report prints err, if any, as one sentence on stderr and returns its status.
// An error that brings its own status was already told to the user.
func report(err error) int {
	if err == nil {
		return statusOK
	}
	var told exitError
	if errors.As(err, &told) {
		return int(told)
	}
	code, sentence := explain(err)
	fmt.Fprintf(os.Stderr, "lpc: %s\n", sentence)
	return code
}

// exitError is the status of a failure that was already told to the user.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }
