// Package needs says what a test needs of the machine that it runs on: a program, root,
// a file of the shared data, a feature of the kernel. Where that is missing the test is
// skipped with a sentence that names exactly what is missing; where LPC_CI is set it
// fails instead, so that CI cannot be the place where a test never runs.
//
// What is left out for its time or by design goes through Elsewhere, which names what
// runs it and never fails. No other package skips a test: internal/archtest looks for
// that, and .ci/run for skips that are not Elsewhere's.
//
// It is for tests alone, and knows no other package of this module.
package needs
