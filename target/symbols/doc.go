// Package symbols finds the description of each module of a Windows dump: its
// structures, its names and its stack frames. What it gives is an isf.Types, whether
// it came from a program database (PDB) or from an ISF file; a command knows that
// one interface and asks no further.
//
// How a request passes through: Store.Module asks the dump for the module's headers
// in memory, and ntdump/pe for the record that names its symbol file; where those
// pages are not in the dump, the image itself is looked for in the directories, by
// time stamp and size as symbol servers file it (identity.go). Then each directory is
// searched for the file of that very build (find.go). What was found, and why not, is
// kept until Forget.
//
// A file of another build is never taken: GUID and age must be those of the image.
// No server is asked and nothing is downloaded: directories of this machine only.
//
// What never lives here: formats (isf, isf/pdb, ntdump/pe), commands and their text.
// A Store is for one goroutine.
package symbols
