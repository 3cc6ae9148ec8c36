// Package memimage opens images of a machine's physical memory as targets: raw ones,
// and the ELF files that QEMU's dump-guest-memory, libvirt (virsh dump --memory-only)
// and VirtualBox (debugvm dumpvmcore) write. What runs in the machine must be Windows
// on x86 or x64; the commands are those of a Windows dump.
//
// What lives here: where in such a file physical memory stands, the processors'
// registers that hypervisors note beside it, and how these files are told from cores
// of Linux processes. Finding the kernel in the memory is ntdump's (OpenImage), the
// target over it target/ntdump's.
//
// How a request passes through: Format.Match sees the first bytes; elf.go makes
// extents of the program headers, qemu.go and virtualbox.go registers of the notes;
// raw.go has one extent. ntdump.OpenImage searches the memory. From there on a read
// is one of a Windows dump.
//
// A raw image has no magic: Raw takes what no other format does, and stands last.
package memimage
