package kd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/waitgraph"
)

var cmdWaitchain = Command{
	Name:  "!waitchain",
	Args:  "[Thread]",
	Short: "Follow who waits for whom, through any number of processes.",
	Long: `Thread is the address of a thread that waits; each line below it is what its message waits for, one
level deeper for each call. Without it, the chains begin with the threads that nobody is seen to wait for.`,
	Needs: waitNeeds,
}

func init() {
	cmdWaitchain.Run = runWaitchain
	cmdWaitchain.JSON = jsonWaitchain
}

// roots are the threads that chains begin with: the one that was asked for, else
// those that wait and are not shown below another; more tells of further ones.
func (s *Session) roots(g *waitgraph.Graph, args []string) (roots []uint64, more bool, err error) {
	if err := atMost(args, 1, "!waitchain [Thread]"); err != nil {
		return nil, false, err
	}
	addr, err := s.optional(args, 0)
	if err != nil {
		return nil, false, err
	}
	waits := g.State().Waits
	if addr != 0 {
		if !slices.ContainsFunc(waits, func(w waitgraph.Wait) bool { return w.Thread == addr }) {
			return nil, false, fmt.Errorf("the thread at %s does not wait for a reply", s.ptr(addr))
		}
		return []uint64{addr}, false, nil
	}
	roots, more = g.Roots(maxRoots)
	return roots, more, nil
}

// maxRoots bounds the chains that one command shows.
const maxRoots = 200

func runWaitchain(ctx context.Context, s *Session, o *Out, args []string) error {
	g, w, err := s.graph(ctx)
	if err != nil {
		return err
	}
	roots, more, err := s.roots(g, args)
	if err != nil {
		return err
	}
	if len(roots) == 0 {
		o.Printf("No thread waits for a reply\n")
	}
	for i, root := range roots {
		if i > 0 {
			o.Printf("\n")
		}
		links, more := g.Chain(root)
		for k := range links {
			l := &links[k]
			indent := strings.Repeat("  ", l.Depth)
			if l.Again {
				o.Printf("%s%s thread %d again, see above\n", indent, g.Who(l.Wait.Process), l.Wait.ThreadID)
				continue
			}
			o.Lines(indent, g.HopText(&l.Hop))
			for _, why := range l.Why {
				o.Printf("%s    Not certain: %s\n", indent, why)
			}
		}
		if more {
			o.Printf("The chain goes on\n")
		}
	}
	if more {
		o.Printf("More threads wait; these are the first %d\n", maxRoots)
	}
	s.trouble(o, w)
	return nil
}

func jsonWaitchain(ctx context.Context, s *Session, args []string) (any, error) {
	g, w, err := s.graph(ctx)
	if err != nil {
		return nil, err
	}
	roots, _, err := s.roots(g, args)
	if err != nil {
		return nil, err
	}
	chains := [][]jsonHop{}
	for _, root := range roots {
		links, _ := g.Chain(root)
		var c []jsonHop
		for k := range links {
			c = append(c, s.hop(g, &links[k].Hop, links[k].Depth))
		}
		chains = append(chains, c)
	}
	return struct {
		Chains     [][]jsonHop `json:"chains"`
		Unreadable []string    `json:"unreadable"`
	}{chains, nonNil(w.Trouble)}, nil
}
