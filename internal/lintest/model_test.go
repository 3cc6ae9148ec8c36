package lintest

import (
	"fmt"
	"math"
	"testing"

	"github.com/anishathalye/porcupine"
)

// registers is the specification: each key is a register of its own, 0 at first.
var registers = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[uint32][]porcupine.Operation{}
		for _, o := range history {
			k := o.Input.(operation).Key
			byKey[k] = append(byKey[k], o)
		}
		var parts [][]porcupine.Operation
		for _, p := range byKey {
			parts = append(parts, p)
		}
		return parts
	},
	Init: func() any { return uint64(0) },
	Step: func(state, input, _ any) (bool, any) {
		v, o := state.(uint64), input.(operation)
		switch o.Op {
		case opGet:
			return o.Out == v, v
		case opPut:
			return true, o.A
		}
		done := v == o.A
		if done {
			v = o.B
		}
		return o.Unknown || done == (o.Out == 1), v
	},
	DescribeOperation: func(input, _ any) string {
		o := input.(operation)
		s := map[bool]string{true: " (cancelled)"}[o.Unknown]
		switch o.Op {
		case opGet:
			return fmt.Sprintf("get = %#x%s", o.Out, s)
		case opPut:
			return fmt.Sprintf("put %#x%s", o.A, s)
		}
		return fmt.Sprintf("cas %#x to %#x: %v%s", o.A, o.B, o.Out == 1, s)
	},
}

// history makes operations porcupine's. One that was cancelled ends never: put at
// the very end it is as if it had not happened.
func history(ops []operation) []porcupine.Operation {
	var h []porcupine.Operation
	for _, o := range ops {
		end := o.End
		if o.Unknown {
			if o.Op == opGet {
				continue // saw nothing, did nothing
			}
			end = math.MaxInt64
		}
		h = append(h, porcupine.Operation{ClientId: o.Client, Input: o, Call: o.Start, Return: end})
	}
	return h
}

// TestChecker: the checker refuses what is not linearizable.
func TestChecker(t *testing.T) {
	for _, c := range []struct {
		name string
		ops  []operation
		want bool
	}{
		{"read of what was written", []operation{{Op: opPut, A: 7, Start: 1, End: 2}, {Op: opGet, Out: 7, Start: 3, End: 4}}, true},
		{"stale read", []operation{{Op: opPut, A: 7, Start: 1, End: 2}, {Op: opGet, Out: 0, Start: 3, End: 4}}, false},
		{"cancelled and never happened", []operation{{Op: opPut, A: 7, Start: 1, End: 2, Unknown: true}, {Op: opGet, Out: 0, Start: 3, End: 4}}, true},
		{"cancelled and happened late", []operation{{Op: opPut, A: 7, Start: 1, End: 2, Unknown: true}, {Op: opGet, Out: 0, Start: 3, End: 4}, {Op: opGet, Out: 7, Start: 5, End: 6}}, true},
		{"cancelled and happened twice", []operation{{Op: opPut, A: 7, Start: 1, End: 2, Unknown: true}, {Op: opGet, Out: 7, Start: 3, End: 4}, {Op: opPut, A: 8, Start: 5, End: 6}, {Op: opGet, Out: 7, Start: 7, End: 8}}, false},
		{"swap that was told to fail", []operation{{Op: opCas, A: 0, B: 5, Start: 1, End: 2}}, false},
		{"another call's reply", []operation{{Op: opPut, A: 7, Start: 1, End: 2}, {Op: opGet, Out: 9, Start: 3, End: 4}}, false},
	} {
		if got := porcupine.CheckOperations(registers, history(c.ops)); got != c.want {
			t.Errorf("%s: linearizable: %v", c.name, got)
		}
	}
}
