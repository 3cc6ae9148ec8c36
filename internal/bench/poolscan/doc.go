// Package poolscan measures how fast kd finds a tag in the pools: a scan of all blocks
// of a process's pool through target/live, beside a plain read of the same memory,
// pass by pass in one run.
//
// The pool is this process's own, filled with blocks of the sizes that messages,
// threads and ports have; it stays filled until the process ends. The plain read adds
// up every word of the extents through a mapping of them: it is what any program that
// looks at all of that memory must do at least.
package poolscan
