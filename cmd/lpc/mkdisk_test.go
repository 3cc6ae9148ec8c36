package main

import (
	"encoding/hex"
	"os"
)

// ownBootCode is bootsec/bootcode/testdata/standard.hex, assembled from the .asm
// beside it: boot code that starts the active partition.
const ownBootCode = "" +
	"fa31c08ed0bc007c8ed88ec0fbfcbe007cbf0006b90001f3a5ea1e060000bebe07b90400f6048075" +
	"0a83c610e2f6be9b06eb5556b441bbaa55cd135e722581fb55aa751f666a0066ff74086a0068007c" +
	"6a016a1089f589e6b442cd138d641089ee7310b80102bb007c8b4c028a7401cd13720d813efe7d55" +
	"aa750aea007c0000beb106eb03bebe06ac08c07409b40ebb0700cd10ebf2cd18f4ebfd4e6f206163" +
	"7469766520706172746974696f6e0d0a0052656164206572726f720d0a004e6f20626f6f74207365" +
	"63746f720d0a00000000000000000000000000000000000000000000000000000000000000000000" +
	"00000000000000000000000000000000000000000000000000000000000000000000000000000000" +
	"00000000000000000000000000000000000000000000000000000000000000000000000000000000" +
	"00000000000000000000000000000000000000000000000000000000000000000000000000000000" +
	"00000000000000000000000000000000000000000000000000000000000000000000000000000000" +
	"00000000000000000000000000000000000000000000000000000000000000000000000000000000"

// mkDisk is a program for scripts: mkdisk FILE writes a disk of 1 MiB with our boot
// code and two partitions, of which the first is active and has a boot record.
func mkDisk() { check(os.WriteFile(os.Args[1], ownDisk(), 0o600)) }

func ownDisk() []byte {
	d := make([]byte, 1<<20)
	code, err := hex.DecodeString(ownBootCode)
	check(err)
	copy(d, code)
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
