// Package partition reads the partition tables of a disk image, a block device
// or a dump of sector 0: the master boot record with its extended chain, both
// headers and entry arrays of a GPT, and the volume boot records that the
// partitions start with. Everything that is wrong in them is a Finding with a
// stable code, and reading goes on as far as the bytes allow: a damaged table
// is what this package is for.
//
//	t, err := partition.Read(f, size)
//	t.WriteText(os.Stdout)
//	for _, f := range t.Findings { ... }
//
// An error from Read means that the file itself could not be read, never that
// the table is bad. A Table marshals to JSON. Numbers of partitions, types and
// sizes are those of fdisk and sfdisk.
//
// It does not read file systems and does not look at boot code (package
// bootcode does), and it never writes.
package partition
