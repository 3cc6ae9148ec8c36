package kd

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-eedd8485/lpc/ntdump"
)

var cmdBugcheck = Command{
	Name:  ".bugcheck",
	Short: "Show the bug check: its code and its four parameters.",
}

func init() { cmdBugcheck.Run = runBugcheck }

// errNoBugcheck is for a dump that was not made by one.
var errNoBugcheck = errors.New("the dump was not made by a bug check")

func runBugcheck(_ context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 0, ".bugcheck"); err != nil {
		return err
	}
	d, err := s.windowsDump(".bugcheck")
	if err != nil {
		return err
	}
	b := d.Header().BugCheck
	if !b.OK {
		return errNoBugcheck
	}
	o.Printf("Bugcheck code %08X\n", b.Code)
	o.Printf("Arguments %s %s %s %s\n", s.long(b.Params[0]), s.long(b.Params[1]), s.long(b.Params[2]), s.long(b.Params[3]))
	return nil
}

// variantM is the bit of a code whose bug check was raised by another path to the
// same end: 1000007E is 7E (reference 1.5).
const variantM = 0x10000000

// bugcheckOf is what is known of a code or of what it is a variant of.
func bugcheckOf(code uint32) bugcheck {
	if k, ok := bugchecks[code]; ok {
		return k
	}
	return bugchecks[code&^variantM]
}

// bugcheckName is the name of a code, "" where it is not known here.
func bugcheckName(b ntdump.BugCheck) string {
	if k, ok := bugchecks[b.Code]; ok {
		return k.name
	}
	if k, ok := bugchecks[b.Code&^variantM]; ok && b.Code&variantM != 0 {
		return k.name + "_M"
	}
	return ""
}

// stopText is "NAME (code)".
func stopText(b ntdump.BugCheck) string {
	if n := bugcheckName(b); n != "" {
		return fmt.Sprintf("%s (%x)", n, b.Code)
	}
	return fmt.Sprintf("Bug check %x, whose name is not known here", b.Code)
}
