package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/target"
)

const waitNeeds = target.Objects | target.Threads

var cmdDeadlock = Command{
	Name:  "!deadlock",
	Short: "Find the threads that wait for each other.",
	Long: `Every cycle of waits is shown: each thread, the call that it waits in, the message, where that stands,
and for how long. A cycle is proved when every wait is seen at both ends and no handler is free to go
on; it is possible when a handler calls with a context other than its request's, when a process may
not be read, or when a handler hangs on something that is no call. Each cycle is looked at twice: it
is printed only if the second look finds the same messages in the same slots and generations.

With lpc kd -c the exit status is 1 for a proved cycle, 3 for a possible one only, 0 for none.`,
	Needs: waitNeeds,
}

func init() {
	cmdDeadlock.Run = runDeadlock
	cmdDeadlock.JSON = jsonDeadlock
}

// cycles are what two looks agree on; the worst is the session's status.
func (s *Session) cycles(ctx context.Context) (*census.Cycles, error) {
	k, err := census.FindCycles(ctx, s.reader)
	if err != nil {
		return nil, err
	}
	s.Status = StatusNone
	for i := range k.Cycles {
		if k.Cycles[i].Proved {
			s.Status = StatusProved
			break
		}
		s.Status = StatusPossible
	}
	return k, nil
}

func runDeadlock(ctx context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 0, "!deadlock"); err != nil {
		return err
	}
	k, err := s.cycles(ctx)
	if err != nil {
		return err
	}
	g, cycles := k.Graph, k.Cycles
	for i := range cycles {
		if i > 0 {
			o.Printf("\n")
		}
		o.Lines("", g.Text(&cycles[i]))
	}
	if k.More {
		o.Printf("\nMore threads wait in the same knots; these are the first cycles of each.\n")
	}
	if len(cycles) == 0 {
		o.Printf("No deadlock: %s, none for each other.\n", waiting(len(g.State().Waits)))
		if k.Seen > 0 {
			o.Printf("A cycle that the first look saw was gone at the second.\n")
		}
	}
	s.trouble(o, k.World)
	return nil
}

func waiting(n int) string {
	if n == 1 {
		return "1 thread waits"
	}
	return fmt.Sprintf("%d threads wait", n)
}

type jsonCycle struct {
	Proved bool      `json:"proved"`
	Hops   []jsonHop `json:"hops"`
	Doubts []string  `json:"doubts"`
	Text   []string  `json:"text"`
}

func jsonDeadlock(ctx context.Context, s *Session, args []string) (any, error) {
	if err := atMost(args, 0, "!deadlock"); err != nil {
		return nil, err
	}
	k, err := s.cycles(ctx)
	if err != nil {
		return nil, err
	}
	g, cycles := k.Graph, k.Cycles
	list := []jsonCycle{}
	for i := range cycles {
		c := &cycles[i]
		j := jsonCycle{Proved: c.Proved, Doubts: nonNil(c.Doubts), Text: g.Text(c)}
		for h := range c.Hops {
			j.Hops = append(j.Hops, s.hop(g, &c.Hops[h], 0))
		}
		list = append(list, j)
	}
	return struct {
		Cycles     []jsonCycle `json:"cycles"`
		More       bool        `json:"more"`
		Unreadable []string    `json:"unreadable"`
	}{list, k.More, nonNil(k.World.Trouble)}, nil
}
