// Package loops is the work of the view form, and that work without a call.
//
// In the view form the client writes every byte of a request ([Fill]) and the
// server sums every byte ([Sum]). To tell what the call costs beside them, the
// same two loops run without one. Where that happens matters more than the
// call: 1 MiB that one CPU wrote and another reads moves from cache to cache,
// with or without a call. So
// the loops run as the system under test runs them:
//
//   - Calls in place, server and client on two CPUs: the client fills shared
//     memory and the server sums it, handed over by a word that both watch
//     ([Dial], [Lane.Pass]).
//   - Calls with both ends on one CPU, and systems that copy: one process does
//     both on memory of its own.
//
// Package load asks the server after every batch of calls where it is, and
// weighs the two by that. It prints both.
package loops
