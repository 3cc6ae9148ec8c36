// Package elffile reads the headers of ELF core files of either width: the segments
// of memory with their virtual and physical addresses, and the notes. A core of a
// Linux process (target/elfcore) and an image of a machine's memory (target/memimage)
// are such files.
//
// How a request passes through: Read checks the header and reads the program headers
// (elf(5)); EachNote walks the notes. Every number of the file is checked before it is
// used; both are bounded.
//
// What never lives here: what a note means, and the memory itself. A File does not
// change after it was read.
package elffile
