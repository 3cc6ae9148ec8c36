// Package floor is the fastest thing two processes on one machine can do with
// 32 bytes: a ping-pong over two cache lines of shared memory, both ends
// spinning, the loop in assembler. Nothing sleeps, nothing is checked, nobody
// else is served. It is what a call is compared with, not a way to call.
//
// A [Lane] is an end. One process runs [Lane.Pong] until the other, which runs
// [Lane.Ping], says [Lane.Stop]. With both ends on one CPU each exchange costs
// a time slice, so a spin loop has no figure there.
//
// [Page] is the shared memory under it, which package loops uses too.
package floor
