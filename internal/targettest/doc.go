// Package targettest holds tests of the debugger's targets over real processes of
// the library: the same state read from the running processes, from a snapshot and
// from core files must be the same. It is apart from the targets because they may
// not know the library. What it exports opens such files for other packages' tests.
package targettest
