package proctest

import "syscall"

// Fork makes a child that holds all that this process has but its input and output, as
// fork(2) without execve(2) leaves it, and does nothing. It ends after a minute unless it is
// killed, which is the caller's to do.
//
// The child has the memory of the Go runtime and one of its threads: it makes nothing but
// system calls.
func Fork() (pid int, err error) {
	quiet, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return 0, err
	}
	defer syscall.Close(quiet)
	child, errno := fork(uintptr(quiet))
	if errno != 0 {
		return 0, errno
	}
	return int(child), nil
}

// fork: the child's stack is a copy of the caller's, which nothing grows. It waits for an
// event of an epoll descriptor that has none, so that no pointer is needed.
//
//go:nosplit
//go:noinline
func fork(quiet uintptr) (uintptr, syscall.Errno) {
	pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	for fd := range uintptr(3) {
		syscall.RawSyscall(syscall.SYS_CLOSE, fd, 0, 0)
	}
	const nowhere, minute = 4096, 60_000 // ms
	syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, quiet, nowhere, 1, minute, 0, 0)
	for {
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
	}
}
