// Package load is what the client process of a benchmark does: one [Job] a
// work item, each with a warm-up and a measured part, over a system of package
// transport.
//
// How a figure is taken:
//
//   - A mean is the time of a batch divided by its calls; no stamp is taken
//     inside. Batches of about a millisecond, unstamped and stamped ones in
//     turn, fill the time of a round; the stamped ones, one stamp a call, give
//     the percentiles.
//   - Many callers each stamp their own calls; all start together and stop at
//     the same stamp, so that their counts can be compared.
//   - In the view form each call is stamped with the two loops in it; batches
//     of the same two loops without a call alternate with them (package loops).
//   - Every reply is checked: its length and its number, or the sum.
//
// A Job is used from one goroutine.
package load
