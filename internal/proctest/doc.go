// Package proctest gives tests processes to look at and to talk with: the test binary
// again, in a role. TestMain calls Run with the package's roles; a test makes a command
// with Command, changes what it must, and starts it with Start. A Child says lines, is
// told lines, and ends when its input does or when the test ends.
//
// Cores and Crash make core files of such processes, as gdb and as the kernel write them.
// Watchdog ends a test that hangs. Lingerer makes a descriptor that does not close.
//
// It is for tests alone, and knows no package of this module but internal/needs.
package proctest
