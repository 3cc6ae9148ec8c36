//go:build cgo && linux

package main

import "C"

import "github.com/seed-eedd8485/lpc/internal/link"

func init() { link.Forks = true } // a C program may

// main is not called in a library.
func main() {}
