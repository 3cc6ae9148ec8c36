// Package pdb reads program databases, the files in which Microsoft's and LLVM's
// linkers keep an image's symbols and types (MSF 7.00). It fills an isf.Types, so
// that a PDB and an ISF file serve the debugger's commands alike, and it answers
// one question more: how a function's stack frame is laid out (FPO).
//
// How a file passes through: msf.go finds the streams in the file's blocks;
// info.go reads what identifies it; dbi.go and sections.go how segments become
// addresses (with OMAP, for kernels that were rearranged after linking); tpi.go
// and its neighbours turn type records into structures; symbols.go names into
// addresses; fpo.go frames. store.go finds the file of an image in a directory
// of the symbol server's shape.
//
// The sources of the format: LLVM's documentation "The PDB File Format" and
// "CodeView Type Records", and the tables of LLVM's headers
// (llvm/DebugInfo/CodeView/CodeViewTypes.def, CodeViewSymbols.def); IMAGE_FILE_*,
// FPO_DATA and IMAGE_SECTION_HEADER from the PE specification and winnt.h.
//
// What it does not read: line numbers, local variables, the older container
// (2.00), .NET's portable PDB. No memory of a target stands here, and no program
// is run. A File is immutable after Open and may be used by any number of
// goroutines.
package pdb
