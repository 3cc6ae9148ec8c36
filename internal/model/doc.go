// Package model holds the Promela models of the wait protocol (PROTOCOL.md, "Park
// and wake") and the test that has spin check them exhaustively.
//
//	park.pml   announce, fence, look again, park, wake, with store buffers
//	slot.pml   one slot: completion, abandon, hang-up, reuse under generations
//	take.pml   waiting for a slot while all are in use
//	ahead.pml  a request taken ahead of its ring entry
//	drain.pml  the drain role, the lead token, a reply ring that overruns
//	role.pml   the receiver's role and its replacement
//
// Each model is also run with one thing left out or in the wrong order, as the
// head of its file tells (its mutants): the check must fail then, or it would not
// have noticed in the model either. A step that stands for a Go function names it,
// in a comment of the form
//
//	/* go: channel.(*Caller).sleep */
//
// and a test fails when no function of that name is left in internal/channel or
// internal/engine: who renames or removes one looks at the model first.
//
// The package has no code: nothing imports it.
package model
