package kd

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/target"
)

// A Command is one command of the debugger. It is immutable.
type Command struct {
	Name    string            // as typed: "!lpc message", "db"
	Aliases []string          // other names
	Args    string            // what follows it: "[Id]"
	Short   string            // one line of help
	Long    string            // what follows in .help COMMAND and docs/kd.md
	Needs   target.Capability // that it cannot do without
	// Refuse says why the command is of no use on this target, whatever that has;
	// nil: it always is.
	Refuse func(s *Session) error
	// Run prints what the command shows. An error is a sentence for the user; what
	// was printed before it stays.
	Run func(ctx context.Context, s *Session, o *Out, args []string) error
	// JSON is the same as a value for encoding/json, nil where text is all there is.
	JSON func(ctx context.Context, s *Session, args []string) (any, error)
}

// Commands lists all commands by name.
func Commands() []*Command {
	list := slices.Clone(table())
	slices.SortFunc(list, func(a, b *Command) int {
		return cmp.Or(strings.Compare(sortName(a.Name), sortName(b.Name)), strings.Compare(a.Name, b.Name)) // !thread and .thread
	})
	return list
}

// sortName puts a command beside those of its letter: the dot and the exclamation
// mark do not count.
func sortName(name string) string { return strings.ToLower(strings.TrimLeft(name, ".!")) }

// table is every command; each stands in a file of its name.
func table() []*Command {
	return []*Command{
		&cmdLpc, &cmdLpcMessage, &cmdLpcPort, &cmdLpcScan, &cmdLpcThread, &cmdLpcPoolSearch, &cmdAlpc,
		&cmdProcess, &cmdThread, &cmdHandle, &cmdObject, &cmdDt, &cmdDb, &cmdDd, &cmdDq, &cmdDps, &cmdGflag,
		&cmdWaitchain, &cmdDeadlock, &cmdStuck, &cmdFailed,
		&cmdReadmem, &cmdWritemem, &cmdFindfree, &cmdScratch, &cmdU, &cmdUr, &cmdMbr, &cmdSector, &cmdReaddisk,
		&cmdBugcheck, &cmdAnalyze, &cmdStackcheck, &cmdStacks, &cmdLm, &cmdLmtn, &cmdR, &cmdK, &cmdKb, &cmdKv, &cmdKf, &cmdKn, &cmdCxr, &cmdTrap, &cmdTss,
		&cmdDa, &cmdDu, &cmdDds, &cmdPte, &cmdFormats, &cmdIsf, &cmdSympath, &cmdReload, &cmdLn, &cmdVM, &cmdPoolused, &cmdPoolfind, &cmdPool, &cmdPooldiff,
		&cmdPoolleak, &cmdPooltag,
		&cmdHelp, &cmdSetProcess, &cmdSetThread, &cmdVertarget, &cmdQuit,
	}
}

// lookup finds the command that words begin with: of two words ("!lpc port") before
// one. Names are compared without case, as WinDbg does for extensions.
func lookup(words []string) (c *Command, args []string, ok bool) {
	for n := min(2, len(words)); n > 0; n-- {
		name := strings.Join(words[:n], " ")
		for _, c := range table() {
			if strings.EqualFold(c.Name, name) || slices.ContainsFunc(c.Aliases, func(a string) bool { return strings.EqualFold(a, name) }) {
				return c, words[n:], true
			}
		}
	}
	if len(words) > 0 {
		if c, ok := joinedStackCommand(words[0]); ok {
			return c, words[1:], true
		}
		if c, args, ok := joinedLmCommand(words[0], words[1:]); ok {
			return c, args, true
		}
	}
	return nil, nil, false
}
