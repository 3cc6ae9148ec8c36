package ntdump

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrNotDump is wrapped when a file is no Windows kernel dump; the message says
// what it is as far as its first bytes tell. Nothing of it can be read.
var ErrNotDump = errors.New("not a Windows kernel dump")

// ErrUnsupported is wrapped when a file is a Windows kernel dump of a kind that is
// not read here; the message names the kind.
var ErrUnsupported = errors.New("a kind of dump that is not read")

// starts are known beginnings of files that people mistake for kernel dumps.
var starts = []struct{ head, is string }{
	{"MDMP", "a minidump of a Windows user process; expected a kernel dump (open it with a user-mode debugger)"},
	{"PK\x03\x04", "a zip archive; unpack the dump first"},
	{"PK\x05\x06", "an empty zip archive"},
	{"\x1f\x8b", "compressed with gzip; unpack the dump first"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack the dump first"},
	{"Rar!", "a RAR archive; unpack the dump first"},
	{"\xfd7zXZ\x00", "compressed with xz; unpack the dump first"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd; unpack the dump first"},
	{"MSCF", "a Windows cabinet; unpack the dump first"},
	{"\x7fELF", "an ELF file; a core file of a Linux process is opened as such"},
	{"MZ", "a Windows program or library"},
	{"hibr", "a Windows hibernation file"},
	{"HIBR", "a Windows hibernation file"},
	{"wake", "a Windows hibernation file"},
	{"RSTR", "a Windows hibernation file"},
	{"PAGEDU", "a Windows kernel dump whose signature is damaged; expected PAGEDUMP or PAGEDU64"},
	{"PAGE", "a Windows page file or a dump that was not finished; expected the signature PAGEDUMP or PAGEDU64"},
	{"KDUMP   ", "a compressed dump of makedumpfile or QEMU; dump the memory as ELF (dump-guest-memory without -z)"},
	{"makedumpfile", "a compressed dump of makedumpfile or QEMU; dump the memory as ELF (dump-guest-memory without -z)"},
	{"QEVM", "a saved state of QEMU, not an image of memory; dump-guest-memory or virsh dump --memory-only writes one"},
	{"LibvirtQemud", "a saved machine of libvirt, not an image of memory; virsh dump --memory-only writes one"},
	{"EMiL", "a LiME image of Linux memory"},
}

// notDump says what a file is that does not start as a dump.
func notDump(head []byte, size int64) error {
	if size == 0 {
		return fmt.Errorf("%w: the file is empty", ErrNotDump)
	}
	for _, s := range starts {
		if bytes.HasPrefix(head, []byte(s.head)) {
			return fmt.Errorf("%w: it is %s", ErrNotDump, s.is)
		}
	}
	if len(head) < 8 {
		return fmt.Errorf("%w: the file has %d bytes, expected a header of %d", ErrNotDump, size, header32Bytes)
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		return fmt.Errorf("%w: it starts with zeros, expected PAGEDUMP or PAGEDU64", ErrNotDump)
	}
	return fmt.Errorf("%w: it starts with %q, expected PAGEDUMP or PAGEDU64", ErrNotDump, head[:8])
}
