// Package robust has no code of its own: its tests try to break the rest.
//
// They run the test binary again as a server, a client, a hostile client or a
// hostile server, kill it at every failpoint and at random, let it write what no
// peer that follows PROTOCOL.md writes, and then look at who is left: what its
// calls returned, what its descriptors, mappings and goroutines are.
//
// LPC_LONG=1 in the environment runs the full sizes: 1,000 kills, longer windows
// of measurement, waits for the handshake's end.
package robust
