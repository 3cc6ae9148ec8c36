package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/seed-eedd8485/lpc"
)

// The codes of a command that gave none itself, as a shell has them.
const (
	codeNoEnd    = 126 // it left its output to a process that did not end
	codeNotRun   = 127 // it could not be started
	codeSignaled = 128 // and the signal's number
)

// execHandler runs a command for each request. It is safe for concurrent use;
// how many run at once is the port's MaxWorkers.
type execHandler struct {
	path  string          // of the program
	args  []string        // args[0] is the program as the user named it
	limit int             // bytes of a reply
	hard  context.Context // done: kill the commands in progress
}

var _ lpc.Handler = (*execHandler)(nil)

// ServeLPC runs the command and replies with its output, or fails with its code
// and the last line of its stderr. It ends the command if the caller gave up; a
// datagram's sender has gone on, or gone, and that ends nothing.
func (x *execHandler) ServeLPC(r lpc.Request) {
	ctx := r.Context()
	if r.Kind() == lpc.KindDatagram {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(x.hard, cancel)()

	out, code, last := x.run(ctx, r.Caller(), r.View())
	switch {
	case r.Kind() == lpc.KindDatagram:
		if code != 0 {
			fmt.Fprintf(os.Stderr, "lpc: the command for a datagram of pid %d ended with %d\n", r.Caller().PID, code)
		}
	case code != 0:
		replied(r, r.Fail(code, last))
	default:
		replied(r, r.Reply(out))
	}
}

// run carries the command out. Output over the limit ends it: out is then one
// byte longer than the limit, which Reply turns into the caller's error.
func (x *execHandler) run(ctx context.Context, who lpc.Caller, data []byte) (out []byte, code int, last string) {
	stdout := limitedBuffer{room: x.limit + 1}
	stderr := lastLine{to: os.Stderr}
	cmd := exec.CommandContext(ctx, x.path)
	cmd.Args = x.args
	cmd.Env = append(os.Environ(),
		"LPC_CALLER_PID="+strconv.Itoa(who.PID),
		"LPC_CALLER_UID="+strconv.FormatUint(uint64(who.UID), 10),
		"LPC_CALLER_GID="+strconv.FormatUint(uint64(who.GID), 10))
	cmd.Stdin = bytes.NewReader(data)
	cmd.Stdout = &stdout
	cmd.Stderr = &stderr
	// A group of its own, so that what the command started ends with it and a
	// terminal's ^C is ours alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		// Not waited for yet, so the number is still the group's.
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
			return os.ErrProcessDone
		}
		return nil
	}
	cmd.WaitDelay = time.Second // for a grandchild that holds our pipes when the command is gone

	err := cmd.Run()
	if stdout.full() {
		return stdout.Bytes(), 0, ""
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return stdout.Bytes(), 0, ""
	case errors.Is(err, exec.ErrWaitDelay):
		return nil, codeNoEnd, "the command ended, but a process that it started keeps its output open"
	case !errors.As(err, &exit):
		return nil, codeNotRun, err.Error()
	}
	st := exit.Sys().(syscall.WaitStatus)
	if !st.Signaled() {
		return nil, st.ExitStatus(), stderr.String()
	}
	return nil, codeSignaled + int(st.Signal()), "killed by a signal: " + st.Signal().String()
}

// limitedBuffer holds at most room bytes and refuses more, which ends the copy
// from the command.
type limitedBuffer struct {
	bytes.Buffer
	room int
}

var errFull = errors.New("the reply is over the limit")

func (b *limitedBuffer) Write(p []byte) (int, error) {
	n, _ := b.Buffer.Write(p[:min(len(p), b.room-b.Len())])
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

// ReadFrom is hidden: bytes.Buffer's own would not see the limit.
func (b *limitedBuffer) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{b}, r)
}

func (b *limitedBuffer) full() bool { return b.Len() >= b.room }

// lastLine passes on what is written to it and keeps the last line that is not
// blank, at most maxLastLine bytes of it.
type lastLine struct {
	to        io.Writer // that it cannot be written is not the command's failure
	cur, last []byte
}

const maxLastLine = 1024

func (l *lastLine) Write(p []byte) (int, error) {
	_, _ = l.to.Write(p)
	for line := range bytes.Lines(p) {
		l.cur = append(l.cur, line[:min(len(line), max(0, maxLastLine-len(l.cur)))]...)
		if line[len(line)-1] == '\n' {
			l.last, l.cur = bytes.Clone(l.line()), l.cur[:0]
		}
	}
	return len(p), nil
}

// line is the current line, or the one before it if that is blank.
func (l *lastLine) line() []byte {
	if t := bytes.TrimSpace(l.cur); len(t) > 0 {
		return t
	}
	return l.last
}

func (l *lastLine) String() string { return string(l.line()) }
