// Package bin is the one bounded reader that every file reader of the debugger
// uses: crash dumps, boot sectors, cores, images.
//
// A Reader stands over an io.ReaderAt or a byte slice of known size and reads
// little-endian fields, each with a name. The first failure sticks: from then
// on every read returns zero and moves nothing, and Err tells the kind of file,
// the offset and what was being read. So a structure is read field by field and
// checked once:
//
//	r := bin.New("GPT header", f, size)
//	r.Seek("GPT header", 512)
//	sig := r.U64("signature")
//	rev := r.U32("revision")
//	if err := r.Err(); err != nil { ... }
//
// A field that ends exactly at the end of the file is fine. Nothing is
// allocated by a length that the caller did not bound (Bytes and Count take the
// limit), and no memory is reinterpreted.
//
// It does not know formats, and it does not write. A Reader is for one
// goroutine; Sub gives another one its own.
package bin
