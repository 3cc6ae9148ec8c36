// Package ntdump is the target that a Windows kernel dump is: memory by virtual
// address, the structures of its build, its processes and threads, its objects, handles and ports.
//
// Package github.com/seed-eedd8485/lpc/ntdump reads the file; what lives here is
// how kd sees it (target.Target, target.System, target.Clock), what a kind of dump
// lacks and why, and the name of the Windows. What never lives here: formats, page
// tables and lists, which are the reader's, and commands, which are kd's.
//
// A request passes through: Format.Match and Format.Open (open.go), then ReadMemory
// (target.go) or the lists (system.go) ask the reader; an *ntdump.Absent comes out
// as the *target.Absent with the same reason.
//
//	t, err := ntdump.Open("MEMORY.DMP")
//
// What only a Windows dump has (its bug check, registers, stacks), commands take
// from Dump.
package ntdump
