// Package bootsec reads boot sectors: of a disk image, a block device, or a
// file with a dump of sector 0. It puts together what its parts find.
//
//   - partition: the partition table, the extended chain, the GPT, the volume
//     boot records, and everything that is wrong with them;
//   - bootcode: the boot code taken apart, its BIOS calls, its strings, what
//     known code it is, and the verdict, what it does in a few sentences;
//   - x86dec: the 16-bit decoder, for the ur command too.
//
// Analyze does all of it, and a Report prints it, draws it or marshals it:
//
//	r, err := bootsec.Analyze(f, size)
//	r.WriteText(os.Stdout)
//	r.WriteSVG(picture)
//	json.NewEncoder(os.Stdout).Encode(r)
//
// Nothing is written to the source, and nothing is printed but to the
// io.Writer given. Bad input is no error: it is what the findings are for. An
// error says that the file could not be read, with the offset.
package bootsec
