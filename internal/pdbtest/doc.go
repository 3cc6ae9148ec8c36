// Package pdbtest writes program databases for tests, from the format's description
// and not from the reader (isf/pdb): Buf and MSF make streams and the container, with
// which that reader's tests write what they need byte by byte; Database is a whole
// file of functions and their stack frames, for tests of what reads symbols.
//
// It is for tests alone.
package pdbtest
