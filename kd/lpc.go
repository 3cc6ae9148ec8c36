package kd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/target"
)

// lpcNeeds is what every !lpc command asks of a target.
const lpcNeeds = target.Objects | target.Threads

var cmdLpc = Command{
	Name:  "!lpc",
	Short: "List the !lpc commands.",
	Long: `Local procedure calls: ports, messages, and the threads that wait.

Numbers are hexadecimal. The usual walk begins with a thread that waits: !thread shows the call that
it waits in, whose first argument is a handle; !handle gives its object; !lpc port shows that.`,
	Needs: lpcNeeds,
}

func init() { cmdLpc.Run = runLpc }

func runLpc(_ context.Context, _ *Session, o *Out, args []string) error {
	if len(args) > 0 && !strings.EqualFold(args[0], "help") && args[0] != "?" {
		return fmt.Errorf("!lpc has no command %s; !lpc lists them", escape.Text(args[0]))
	}
	o.Printf("Usage:\n")
	for _, c := range []*Command{&cmdLpc, &cmdLpcMessage, &cmdLpcPort, &cmdLpcScan, &cmdLpcThread, &cmdLpcPoolSearch} {
		o.Printf("    %-24s %s\n", strings.TrimSpace(c.Name+" "+c.Args), c.Short)
	}
	return nil
}

// errEmulated is what !lpc answers where LPC is an old name for something else.
var errEmulated = errors.New("LPC is emulated over ALPC on this system (Windows Vista and later); its ports are ALPC ports, which !lpc does not read")

// emulated tells whether the target is such a system: it describes ALPC's ports and
// not LPC's.
func (s *Session) emulated() error {
	for p := range s.Target.System().Processes() {
		t := s.Target.Types(p.Addr)
		if t != nil && t.Layout("_LPCP_PORT_OBJECT") == nil && t.Layout("_ALPC_PORT") != nil {
			return errEmulated
		}
	}
	return nil
}
