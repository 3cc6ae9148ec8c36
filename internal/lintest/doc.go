// Package lintest checks what calls promise as a whole, between processes: that
// requests and replies are linearizable, whatever is cancelled meanwhile and
// whichever way the server takes (inline, on a worker, by a receiver that was
// replaced), and that the messages of one goroutine are begun in order.
//
// The test binary starts itself as a server (registers with get, put and
// compare-and-swap over lpc.Serve) and as clients. Each client writes down when it
// began and ended each call, by CLOCK_MONOTONIC, which is one clock for all
// processes; porcupine looks for an order that explains what they saw. A call that
// was cancelled may have happened at any time after it began, or never.
//
// The package has no code: nothing imports it.
package lintest
