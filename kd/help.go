package kd

import (
	"context"
	"fmt"
	"strings"
)

var cmdHelp = Command{
	Name:    ".help",
	Aliases: []string{"?", "help", ".hh"},
	Args:    "[Command]",
	Short:   "List the commands, or explain one.",
}

func init() { cmdHelp.Run = runHelp }

func runHelp(_ context.Context, _ *Session, o *Out, args []string) error {
	if len(args) == 0 {
		for _, c := range Commands() {
			o.Printf("%-34s %s\n", c.usage(), c.Short)
		}
		o.Printf("\n%s\n", conventions)
		return nil
	}
	c, rest, ok := lookup(args)
	if !ok || len(rest) > 0 {
		return unknown(args)
	}
	o.Printf("%s\n%s\n", c.usage(), c.Short)
	if c.Long != "" {
		o.Printf("\n%s\n", c.Long)
	}
	return nil
}

func (c *Command) usage() string { return strings.TrimSpace(c.Name + " " + c.Args) }

const conventions = `Numbers are hexadecimal; 0n123 is decimal. A backtick may stand in an address, + and - join several,
$proc and $thread are the defaults, poi(ADDRESS) is the pointer there. A semicolon joins commands, double quotes hold a word together.`

// Reference is docs/kd.md's list of commands, in Markdown.
func Reference() string {
	var b strings.Builder
	for _, c := range Commands() {
		fmt.Fprintf(&b, "### `%s`\n\n%s\n", c.usage(), c.Short)
		if len(c.Aliases) > 0 {
			fmt.Fprintf(&b, "\nAlso: `%s`.\n", strings.Join(c.Aliases, "`, `"))
		}
		if c.Long != "" {
			fmt.Fprintf(&b, "\n%s\n", c.Long)
		}
		fmt.Fprintf(&b, "\n")
	}
	return b.String()
}
