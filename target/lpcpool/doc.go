// Package lpcpool is the System that stands in pools (internal/pool): processes,
// threads, ports, handles, names and blocks, read from nothing but the pools'
// bytes. Where the bytes come from is not its business: target/live reads them
// from running processes, target/snapshot and target/elfcore from files. So the
// four give the same answers.
//
// A read passes through four steps: View.ReadMemory finds the pool by the
// address (pool number << 40 | offset), pool its extent, extent asks whether the
// bytes were ever used, Bytes gives them. Structures are read by the type
// description that the pool itself carries, so a debugger of one version reads a
// process of another; only the headers that lead to it (extent, block, the first
// fields of the pool's header) have fixed places (anchor.go).
//
// What the pools hold by tag comes from the accounts that each keeps (PoolAccounts); a
// search for a tag looks at block headers alone, where the source has the extents
// mapped (scan.go).
//
// Rules of absence, the same for every source:
//
//   - Bytes at and behind an extent's tail were never used, zero or not.
//   - A page of zeros in front of the tail (a hole of a running process, zeros in a
//     file: a core file does not tell the two apart) is there only as far as a
//     block with a whole header reaches over it: that is what the process would
//     read. Else it is absent.
//   - A range without whole block headers is yielded as a Block with Err, and the
//     walk goes on at the next header that is found by its magic number.
//
// Everything read is taken for hostile: a process may write what it likes into its
// own pool. Every walk is bounded by the size of the extents or the number of
// blocks in them.
//
// What never stands here: output, the engine, anything that writes.
package lpcpool
