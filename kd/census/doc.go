// Package census counts what one look at a target found: every port with its load,
// every connection, every thread that waits, and the cycles among them. It is the one
// model that lpc ls, lpc graph and lpc top print; !lpc port prints the same records.
//
//	c, err := census.Take(ctx, records.NewReader(t))
//	for _, p := range c.Ports { ... }
//
// Take reads the target through package records and asks package waitgraph who waits
// for whom; a cycle is in a Census only if a second look agreed. Nothing is printed
// and no picture is drawn here. What cannot be read has a sentence for it, and a
// number that is not known is negative, never 0.
//
// A Census does not change after Take and may be read by any number of goroutines.
package census
