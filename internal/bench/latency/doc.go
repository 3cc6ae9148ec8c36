// Package latency takes cheap time stamps and turns them into percentiles.
//
// A call over shared memory takes so little that time.Now would show in it, so
// stamps come from the processor's counter: the TSC on amd64, CNTVCT_EL0 on
// arm64. Elsewhere, and where calibration finds the counter unsteady, they are
// nanoseconds of the monotonic clock. [Now] returns ticks; [Clock] converts
// them.
//
// [Histogram] is log-linear, of fixed size, and adds without allocating: its
// percentiles are off by at most 1 part in 128. [Samples] keeps the stamps
// themselves, for figures that are the difference of two large times.
//
// Neither is safe for concurrent use: give each goroutine its own and merge.
package latency
