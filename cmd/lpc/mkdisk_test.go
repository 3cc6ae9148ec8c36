package main

import (
	"os"

	"github.com/seed-eedd8485/lpc/bootsec/boottest"
)

// mkDisk is a program for scripts: mkdisk FILE writes a disk of 1 MiB with our boot
// code and two partitions, of which the first is active and has a boot record.
func mkDisk() { check(os.WriteFile(os.Args[1], boottest.Disk(), 0o600)) }
