package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// The exit statuses of Main.
const (
	exitOK    = 0
	exitOther = 1
	exitUsage = 2
)

// Main is `lpc bench` with the arguments after it. It returns the exit status.
func Main(args []string) int {
	o, err := ParseArgs(args, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		return exitUsage // ParseArgs has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := Run(ctx, o, os.Stdout, os.Stderr); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return exitOther
	}
	return exitOK
}
