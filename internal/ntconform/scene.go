package ntconform

import (
	"maps"

	"github.com/seed-eedd8485/lpc/nt"
)

// A Scene shows one row of the rules. Threads are made when a step first names them.
// The first letter of a thread's name is its process: S is the server's, C and D are
// those of clients, E is another one's. A driver in one process has all of them there.
type Scene struct {
	Name  string // begins with the row: "b.5.4 second accept of the same request"
	Needs Needs
	Steps []Step
}

// Needs is what a scene asks of a driver.
type Needs uint

// Drivers play the scenes whose needs they meet.
const (
	Apart    Needs = 1 << iota // processes that are not one
	Together                   // all in one process
	Pointers                   // bad pointers: a language that has them
	Beyond                     // calls of a thread that has ended: one that is not the system's
)

// P are parameters or expectations by name. The values are expressions: see values.go.
type P map[string]string

// A Step is one call, or one thing that the suite itself does (verbs.go).
type Step struct {
	Thread string
	Call   string      // "NtCreatePort", or a verb: they begin with a small letter
	In     P           // what it is given
	Waits  bool        // it must be seen to wait; a later "returns" looks at what it gave
	Status nt.Status   // that it must give
	Or     []nt.Status // or one of these: what the rules also allow, or leave open
	Want   P           // and what must have come out
	Until  int         // not 0: the call is made again, so often at most, until it gives Status; $times is how often
	Times  string      // not "": the call is made so often, and each must give this
}

// Do is a call that gives success.
func Do(thread, call string, in P) Step { return Step{Thread: thread, Call: call, In: in} }

// Fails is a call that gives another status.
func Fails(thread, call string, status nt.Status, in P) Step {
	return Step{Thread: thread, Call: call, In: in, Status: status}
}

// Waits is a call that must be seen to wait.
func Waits(thread, call string, in P) Step {
	return Step{Thread: thread, Call: call, In: in, Waits: true}
}

// Returns looks at what a call gives that waited.
func Returns(thread string, status nt.Status) Step {
	return Step{Thread: thread, Call: "returns", Status: status}
}

// Gives adds expectations.
func (s Step) Gives(want P) Step { s.Want = s.Want.and(want); return s }

// With sets parameters.
func (s Step) With(in P) Step { s.In = s.In.and(in); return s }

// and is a P with more in it.
func (p P) and(more P) P {
	all := P{}
	maps.Copy(all, p)
	maps.Copy(all, more)
	return all
}

// or adds a status that the reference also allows, or that it leaves open.
func (s Step) or(also ...nt.Status) Step { s.Or = also; return s }

// until makes a call again, n times at most, until it gives its status.
func (s Step) until(n int) Step { s.Until = n; return s }

// times makes a call that often.
func (s Step) times(expr string) Step { s.Times = expr; return s }
