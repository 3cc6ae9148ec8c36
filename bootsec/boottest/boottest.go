package boottest

import (
	"embed"
	"encoding/hex"
	"fmt"
	"strings"
)

//go:embed code/*.hex
var code embed.FS

// Code is one of our own boot codes: standard starts the active partition; stealth does
// what a virus does; nodisk reads no disk; tangle is hard to follow. The caller owns the
// bytes. Another name is a mistake of the test, and panics.
func Code(name string) []byte {
	text, err := code.ReadFile("code/" + name + ".hex")
	if err != nil {
		panic(fmt.Sprintf("boottest has no code %s", name))
	}
	b, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		panic(fmt.Sprintf("boottest: %s.hex: %v", name, err))
	}
	return b
}

// Disk is a disk of 1 MiB with the standard code, an active partition whose boot record
// is FAT32's, and one behind it. The caller owns the bytes.
func Disk() []byte {
	d := make([]byte, 1<<20)
	copy(d, Code("standard"))
	copy(d[0x1b8:], "\xfe\xca\xad\x0b")
	copy(d[0x1be:], "\x80\x01\x01\x00\x0b\x10\x10\x00\x3f\x00\x00\x00\xc1\x03\x00\x00")
	copy(d[0x1ce:], "\x00\x10\x11\x00\x83\x20\x20\x00\x00\x04\x00\x00\x00\x04\x00\x00")
	copy(d[0x1fe:], "\x55\xaa")
	v := d[63*512:]
	copy(v, "\xeb\x58\x90LPCTESTS\x00\x02\x01\x20\x00\x02\x00\x00\x00\x00\xf8\x00\x00\x3f\x00\xff\x00\x3f\x00\x00\x00\xc1\x03")
	copy(v[0x47:], "BOOT       FAT32   ")
	copy(v[0x5a:], "\xfa\x31\xc0\x8e\xd8\xeb\xfe")
	copy(v[0x1fe:], "\x55\xaa")
	return d
}
