// Package kd is the kernel debugger's commands: a line of text goes in, text or
// JSON comes out of an io.Writer.
//
// A line passes through four steps. split cuts it into commands and words; lookup
// finds the Command by its name in the one table (Commands); Session.Run asks
// whether the target has what the command needs and prints Lacks's sentence where
// it has not; the command reads the target through package records, asks package
// waitgraph who waits for whom, and prints.
//
//	s := kd.NewSession(t)
//	err := s.Run(ctx, os.Stdout, "!deadlock; !lpc port")
//
// A command is a value, in a file of its name. Help and docs/kd.md come from the
// same table. Output has WinDbg's shapes where the command is WinDbg's; numbers are
// hexadecimal there, and pids and thread ids decimal in commands of our own.
//
// Rules that hold for every command:
//
//   - What the target has not is said, never invented.
//   - Text from the target is escaped (escape.Text), so that it cannot steer a terminal.
//   - Every walk is bounded, and ends when the context does.
//   - Only memory is read: no process is asked, stopped or written.
//
// The terminal, history and completion are cmd/lpc's. A Session is for one
// goroutine.
package kd
