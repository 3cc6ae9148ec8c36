// Package elfcore is the target of a Linux core file, the kernel's or gcore's: the
// pool of the process that it was made of.
//
// A pool is in a core because its memfds are shared anonymous memory (core(5):
// bit 1 of /proc/PID/coredump_filter, set by default), and it is found because the
// note NT_FILE names its mappings /memfd:lpc:pool (deleted). Where that note is
// missing the segments are looked through for the magic number of an extent. A Go
// process leaves a core only under GOTRACEBACK=crash.
//
// Open reads headers and notes and the first bytes of each extent, nothing else, so
// a large sparse core opens as fast as a small one. A core does not tell memory
// that was never touched from zeros: target/lpcpool's rule of zero pages decides.
//
// ELF64, little-endian, amd64 and arm64: the formats of elf(5) and
// linux/elfcore.h. Registers, stacks and other memory of the process stay unread:
// gdb and dlv are for those.
package elfcore
