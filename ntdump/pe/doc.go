// Package pe reads the headers of executable images (PE32 and PE32+): as the loader
// laid them into memory, or as they stand in a file. It answers what a debugger
// asks of a module of a dump: what it is (machine, time stamp, size), its sections
// and data directories, and by which symbol file it was linked (CodeView).
//
// How a request passes through: Loaded or File reads the headers once and checks
// them (image.go); ReadRVA then reads the image by addresses from its base, through
// memory or through the sections of the file (file.go); codeview.go finds the debug
// directory. What is not there is an error that says so, never zero.
//
// The source of the format is Microsoft's "PE Format"; the record that names a
// symbol file is CV_INFO_PDB70 of the same tools, which LLVM writes too.
//
// What never lives here: function tables and unwinding (ntdump/stack reads those
// where it walks), symbols, relocation. An Image may be used by as many goroutines
// as what it reads from.
package pe
