// Package golden compares what a test made with a text that is kept in a file: a golden
// file beside the test, or a part of a document that a test writes. All of them are
// written anew by one flag: go test ./PACKAGE -update.
//
// It is for tests alone, and knows no other package of this module.
package golden
