//go:build cgo && linux

package main

import "C"

// main is not called in a library.
func main() {}
