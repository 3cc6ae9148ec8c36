// Package live is the target of running processes: all that the caller may look
// into, or one.
//
// Who may look is who may ptrace (ptrace(2), PTRACE_MODE_READ). Nothing is asked of
// a process that may be read, nothing stops it, and nothing is mapped: its pool's
// descriptors are opened through /proc/PID/fd and read with pread(2), which touches
// no hole, faults nowhere, and works on a process that is stopped or spins. What is
// read is never older than the call.
//
// A process that may not be read is yielded with the reason when it is known to
// have ports: because it listens (package namespace tells who; that connects to the
// sockets, as lpc ls does, and happens once for a target, and only if there are
// processes that may not be read), or because a process that may be read is
// connected to it.
//
// A pid is a label: a pidfd is held for each process, so that its end is seen and
// its number is never taken for that of the next process.
//
// Linux alone; elsewhere Open says so. What the pools mean is target/lpcpool's
// business.
package live
