// Package waitgraph says who waits for whom, and who waits for ever.
//
// A State is one look at a target: the threads that wait for a reply, the messages
// that were received and not replied to, and the ports that they came to. Build
// joins them to a Graph; Find gives its cycles, Confirm keeps those that a second
// look saw too, Chain follows one thread, and Cycle.Text says it in sentences.
//
// What an edge is worth:
//
//   - confirmed: both ends say it. The waiting thread names channel, slot and
//     generation, and the server's record of the message bears the same.
//   - claimed: one end says it, the other may not be read.
//   - possible: nobody says it, and nothing contradicts it. A handler that calls
//     with a context of its own does not tell which message it serves.
//
// A message that is served waits for every call that was made on its behalf. A
// message that is queued waits until one of the port's handlers is free, so it is
// stuck only when all that the port may run are. A cycle of which every wait is
// confirmed, and whose members cannot go on by another way, is proved; any other
// is possible, and says why.
//
// No memory is read here and no target is known: package kd fills a State. The
// cost is linear in the number of records. A Graph is immutable once built.
package waitgraph
