package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/seed-eedd8485/lpc/kd/top"
)

const description = `Processes on one machine call each other by name; the kernel proves who calls.

A port is named \RPC Control\spool, which ncalrpc:[spool] and a bare spool mean too; case does not matter. Start with: lpc demo`

// help prints kong's own help, and under the program's the exit statuses, from
// the table that sets them.
func help(o kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(o, ctx); err != nil {
		return err
	}
	if sel := ctx.Selected(); sel != nil {
		if more := details[sel.Name]; more != "" {
			fmt.Fprintf(ctx.Stdout, "\n%s\n", more)
		}
		return nil
	}
	fmt.Fprintf(ctx.Stdout, "\nExit status:\n")
	for _, s := range statuses {
		fmt.Fprintf(ctx.Stdout, "  %d  %s\n", s.code, s.help)
	}
	fmt.Fprintf(ctx.Stdout, "%s", environment)
	return nil
}

const environment = `
Environment:
  LPC_ROOT  the only directory where names stand; else $XDG_RUNTIME_DIR/lpc (root: /run/lpc),
            and call, send and ls look in /run/lpc too
`

// indented puts two blanks in front of each line.
func indented(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// details follows kong's text in the help of a command.
var details = map[string]string{
	"serve": `With --exec, CMD and all that follows it run once for each request: the data is CMD's standard
input, its standard output the reply, its standard error goes to ours. If it exits with a status
other than 0, the caller gets that status and the last line of its standard error (exit status 9).
CMD finds LPC_CALLER_PID, LPC_CALLER_UID and LPC_CALLER_GID in its environment, from the kernel.
A datagram runs CMD too; its output is thrown away.

SIGTERM and SIGINT end the server after the requests in progress; a second one kills their commands.`,
	"kd": `Without -p and a file, all processes with ports that the caller may look into are the target; nothing is
asked of them and nothing stops them. .help lists the commands; docs/kd.md explains them.

On a terminal kd prompts, with history and completion (tab), and an interrupt ends a command. Without
one it reads commands from standard input, a line each. The exit status is that of the last verdict:
0 none, 1 a proved deadlock, 3 a possible one only; and 2 if a command failed or nothing could be opened.`,
	"mbr": `FILE is opened for reading alone. It is lpc kd -z FILE -c !mbr, and opens any file: a damaged boot
sector is one too. --against and -o take the place of the report. docs/boot.md shows more: the code of
any sector in a debugger, over any target. With --json numbers are decimal but for hex strings.`,
	"graph": `A process is a box; its ports, its waiting threads and its connections are lines in it; an arrow leads
from who waits, or is connected, to the port. Deadlocks are red, possible ones dashed, waits of 5 seconds
and more amber. Without -o the picture goes to standard output, in Graphviz's language.

An svg needs no other file and is legible on a light or dark ground. Up to --limit processes, ports and
waits are shown one by one; above it alike ones are one box or line with a count. What belongs to a
deadlock is always shown by itself.`,
	"top": "On a terminal:\n" + indented(top.Keys) + "\n\n" + indented(top.Meaning) + `

In a pipe top prints a line for each port at each interval. A file is shown once. The environment variable
NO_COLOR takes the colours away.`,
	"call": `The reply is written as it came, with no newline added.`,
	"ls": `A field that the caller may not read is "-" (null with --json), and the reason stands behind it.
A stale name was left by a killed server; the next server of that name takes it over.
With --json each port is one object on one line: name, pid, program, connections, queue, stale, reason.`,
}
