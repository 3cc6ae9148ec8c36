package disk

import "bytes"

// container is a kind of file by the magic at an offset.
type container struct {
	at    int
	magic string
	what  string // as in "it is a qcow2 image"
}

// containers are files with a disk inside that is not where its own offsets say:
// by the magic at the given offset. Sources: QEMU docs/interop/qcow2.txt; VMware
// Virtual Disk Format 5.0 (KDMV, COWD); [MS-VHDX] 2.2.1; Virtual Hard Disk Image
// Format Specification (a dynamic disk begins with a copy of its footer);
// VirtualBox VDICore.h (signature at 40); for packed files RFC 1952, the .xz file
// format 1.2, RFC 8878, and bzip2's header.
var containers = []container{
	{0, "QFI\xfb", "a qcow2 image, which qemu-img convert -O raw unpacks"},
	{0, "KDMV", "a VMDK image, which qemu-img convert -O raw unpacks"},
	{0, "COWD", "a VMDK image, which qemu-img convert -O raw unpacks"},
	{0, "# Disk DescriptorFile", "the description of a VMDK image: the data stands in the files that it names"},
	{0, "vhdxfile", "a VHDX image, which qemu-img convert -O raw unpacks"},
	{0, "conectix", "a dynamic VHD image, which qemu-img convert -O raw unpacks"},
	{0x40, "\x7f\x10\xda\xbe", "a VDI image, which qemu-img convert -O raw unpacks"},
}

// packed are files that may hold anything: what they are is said only to who asked
// for a disk.
var packed = []container{
	{0, "\x1f\x8b\x08", "packed with gzip"},
	{0, "\xfd7zXZ\x00", "packed with xz"},
	{0, "\x28\xb5\x2f\xfd", "packed with zstd"},
	{0, "BZh", "packed with bzip2"},
}

// containerOf names which of the kinds a file with these first bytes is, "" for
// none. A file that ends in a boot sector's signature is not taken for one: code
// may begin with any bytes.
func containerOf(kinds []container, head []byte) string {
	if len(head) >= SectorBytes && head[0x1fe] == 0x55 && head[0x1ff] == 0xaa {
		return ""
	}
	for _, c := range kinds {
		if len(head) > c.at && bytes.HasPrefix(head[c.at:], []byte(c.magic)) {
			return c.what
		}
	}
	return ""
}
