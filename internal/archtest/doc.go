// Package archtest holds tests of the tree's shape: which package may import which,
// where unsafe and system calls may stand, that every package says what it is. It
// has no code of its own.
package archtest
