// Package target is what the debugger looks at: memory, what stands in it, and
// what is known of it. A command of kd is written against the interfaces of this
// package alone; a running process, a snapshot, a core file, a Windows crash dump
// and a disk are implementations of it in packages of their own (target/live,
// target/snapshot, target/elfcore, target/ntdump, target/disk).
//
// Join makes one target of several. Formats recognises a file by its magic.
//
// Three rules hold for every implementation:
//
//   - Absent memory is not zero. A read that meets a byte which the target does not
//     hold ends there with an *Absent that says why.
//   - The target is never written, stopped or asked.
//   - What a target cannot know, it says: Lacks gives the sentence that a command
//     prints. Nothing is guessed.
//
// A Target serves one command at a time; Close may be called while none runs.
package target
