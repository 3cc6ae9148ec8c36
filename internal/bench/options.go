package bench

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// The placements of a pair of processes.
const (
	free = "free" // where the kernel likes
	same = "same" // both on one CPU
	diff = "diff" // on two CPUs
)

// HogsByPlan is Options.Hogs for the default plan: all work without hogs, then
// the 32-byte call beside two.
const HogsByPlan = -1

// Options says what to run. The zero value of a field means its default.
type Options struct {
	JSON       bool     // one JSON object a line instead of tables
	Against    []string // systems beside lpc: "unix", "netrpc"; nil means both
	Placements []string // "free", "same", "diff"; nil means all
	Hogs       int      // processes in a pure loop beside all work, or HogsByPlan
	Rounds     int      // in each pair of processes; 0 means 5, and 3 where pairs are many
	Pairs      int      // of processes in placement free; 0 means 20
	Work       []string // names of work items or their beginnings; nil means all
	Quick      bool     // everything once and briefly: does it run, not how fast
	KD         bool     // what the debugger's records cost: lpc beside lpc without them, and with stacks

	Native bool   // what the native API costs: package nt beside the root package
	C      string // with Native: the program of examples/c/bench.c, "" for none

	measure time.Duration // of one round of one item; 0 means by Quick
	systems []string      // overrides lpc and Against, for tests
	heard   func(string)  // is told what is about to run, for tests
}

// ErrUsage is wrapped by errors that are the command line's.
var ErrUsage = errors.New("usage")

// usage is printed before the flags.
const usage = `usage: lpc bench [flags]

Measures calls between two processes, beside a raw Unix socket and net/rpc.
Work items, chosen by name or beginning (--work call/32,callers):
`

// ParseArgs reads a command line. On an error, or when help was asked for
// (flag.ErrHelp), it has written to stderr.
func ParseArgs(args []string, stderr io.Writer) (Options, error) {
	var o Options
	fs := flag.NewFlagSet("lpc bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	list := func(into *[]string) func(string) error {
		return func(s string) error {
			*into = strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
			return nil
		}
	}
	fs.BoolVar(&o.JSON, "json", false, "print one JSON object a line")
	fs.Func("against", "`systems` beside lpc: unix,netrpc (default both)", list(&o.Against))
	fs.Func("placement", "`placements`: free,same,diff (default all)", list(&o.Placements))
	fs.IntVar(&o.Hogs, "hogs", HogsByPlan, "run everything beside `n` processes in a pure loop (default: without, then the 32-byte call beside 2)")
	fs.IntVar(&o.Rounds, "rounds", 0, "rounds in each pair of processes (default 5; 3 with placement free)")
	fs.IntVar(&o.Pairs, "pairs", 0, "pairs of processes with placement free (default 20)")
	fs.Func("work", "work `items` (default all)", list(&o.Work))
	fs.BoolVar(&o.Quick, "quick", false, "everything once and briefly, to see that it runs")
	fs.BoolVar(&o.KD, "kd", false, "what debuggers cost: lpc beside lpc that writes down no waits, and lpc that records stacks (call/32 and wait/32, placement free, unless told); and how fast a pool is searched for a tag")
	fs.BoolVar(&o.Native, "native", false, "what the native API costs: NtRequestWaitReplyPort beside Conn.Call (call/32, placement free, unless told)")
	fs.StringVar(&o.C, "c", "", "with --native: the `program` of examples/c/bench.c, for the same from C")
	fs.Usage = func() {
		_, _ = fmt.Fprintf(stderr, "%s  %s\n\n", usage, strings.Join(itemNames(), " "))
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err
		}
		return o, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if fs.NArg() > 0 {
		err := fmt.Errorf("%w: lpc bench takes flags only, not %q", ErrUsage, fs.Arg(0))
		_, _ = fmt.Fprintln(stderr, err)
		return o, err
	}
	if err := o.check(); err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return o, err
	}
	return o, nil
}

// check finds values that mean nothing.
func (o *Options) check() error {
	for _, s := range o.Against {
		if s != "unix" && s != "netrpc" {
			return fmt.Errorf("%w: --against knows unix and netrpc, not %q", ErrUsage, s)
		}
	}
	for _, p := range o.Placements {
		if !slices.Contains([]string{free, same, diff}, p) {
			return fmt.Errorf("%w: --placement knows free, same and diff, not %q", ErrUsage, p)
		}
	}
	if o.C != "" && !o.Native {
		return fmt.Errorf("%w: --c is for --native", ErrUsage)
	}
	if o.Hogs < HogsByPlan || o.Rounds < 0 || o.Pairs < 0 {
		return fmt.Errorf("%w: --hogs, --rounds and --pairs are not negative", ErrUsage)
	}
	for _, w := range o.Work {
		if !slices.ContainsFunc(itemNames(), func(name string) bool { return chosen(name, w) }) {
			return fmt.Errorf("%w: --work knows %s, not %q", ErrUsage, strings.Join(itemNames(), ", "), w)
		}
	}
	return nil
}
