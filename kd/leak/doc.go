// Package leak finds who holds pool memory of a Windows machine under a tag: which
// modules hold the tag's four bytes, and, where the tag is one that many drivers share,
// what the blocks themselves and the modules' imports tell.
//
// A request passes through: the caller (kd's !poolleak) gives an Input with the blocks
// of the tag, the modules and the memory; Look walks the blocks once (sample.go: sizes,
// who is charged, a sample of them), reads the start of each sampled block
// (content.go: pointers into modules, text), searches modules and files for the tag
// (places.go, files.go) and their imports for the allocators that give it
// (importers.go), and judges (verdict.go).
//
// Rules. A verdict names its evidence and what could not be looked at. That a module
// could have allocated is told apart from that it did: only a pointer in a block says
// something of the block. Nothing is read without a bound. What never lives here: text
// shapes, symbols, and where blocks come from.
package leak
