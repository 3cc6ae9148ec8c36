// Package disk is the target that stands before any other: a disk, of which a BIOS
// has laid sector 0 at 0000:7C00 and nothing has run yet. It opens a disk image, a
// block device, a dump of sector 0, and the code part of one.
//
// Its memory is that sector at linear 7C00 and no byte more: all else is absent,
// with the reason. The rest of the disk is reached by its offset (Sectors). What
// partition tables and boot code mean is package bootsec's to say.
//
// The file is opened for reading alone. A block device is read anew at each
// command. Containers of other shape (qcow2, VMDK) are refused by name: their first
// bytes are no boot sector.
//
//	t, err := disk.Open("/dev/sda")
package disk
