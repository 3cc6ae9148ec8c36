// Package bench is `lpc bench`: what a call costs, beside the same work over a
// raw Unix stream socket and over net/rpc, in one run.
//
// Always two processes: for each system the parent starts a server and a
// client, both the running binary again in a role that the environment tells
// ([Child]). The parent gives orders over the children's stdin and stdout and
// sleeps while they measure. Systems take turns round by round (lpc, unix,
// netrpc, floor, lpc, ...), so that a slow phase of the machine meets them
// all. Package load says how a figure is taken, package transport what each
// system does for it.
//
// # Placement
//
// A CPU is chosen by the parent's locked thread, which narrows its own
// affinity before it forks; the child's Go runtime therefore starts with that
// mask and sets GOMAXPROCS by it. same: both ends on one CPU. diff: on two.
// free: where the kernel likes, 20 pairs of processes (by default), each
// measured in rounds; a figure is the median of the pairs' medians, and the
// worst pair is told too. The floor, a spin loop, has no place in same.
//
// # Memory of idle connections
//
// Both processes collect garbage and give free memory back before each look
// and are then idle for a second. Looks are before and after 1,000
// connections, after one connection has been used like the others, so that
// what a process needs once is not counted. Resident memory includes shared
// pages, all of them on each side; proportional memory (Pss) halves those.
//
// # Nothing is left behind
//
// Every order has a time limit. A child that hangs gets SIGQUIT, and its
// stacks come out on stderr after a sentence that names the work; a child that
// dies is reported likewise. Children die with the parent (PR_SET_PDEATHSIG),
// and all names are in one temporary directory, which is $LPC_ROOT for them.
package bench
