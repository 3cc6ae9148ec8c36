package security

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrNotAsClient reports a command that would run with the server's ids. Build it
// by [Token.Command].
var ErrNotAsClient = errors.New("the command is not one that Token.Command made: it would run with the server's ids")

// Command returns a command that runs as tok's client, to be started by [Start]:
// all ids are the client's, there are no capabilities and no way to any
// (no_new_privs, prctl(2)), set-user-ID programs included, and the environment is
// empty. What the caller adds to the command (directory, files, environment) is
// the server's, and name is looked up as the server does. The errors are those of
// [Impersonate] about the token.
func (t *Token) Command(o Options, name string, arg ...string) (*exec.Cmd, error) {
	if err := t.permits(o); err != nil {
		return nil, err
	}
	cmd := exec.Command(name, arg...)
	cmd.Env = []string{}
	id := t.Identity()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id.UID, Gid: id.GID, Groups: id.Groups}}
	return cmd, nil
}

// Start starts a command that [Token.Command] made, also while its caller
// impersonates: it does so from a thread of the server's own, for one with the
// client's effective ids has no right to make them a child's only ids. That
// thread gives up what the child must not get, and ends with the call. Wait for
// the command as usual.
//
// A command without a Credential gives [ErrNotAsClient]. So does one that keeps
// the server's groups, that would get capabilities or a user namespace from the
// server, or that asks for a parent-death signal, which would come at once: the
// thread that starts it is its parent (PR_SET_PDEATHSIG(2const)).
func Start(cmd *exec.Cmd) error {
	a := cmd.SysProcAttr
	if a == nil || a.Credential == nil || a.Credential.NoSetGroups || len(a.AmbientCaps) > 0 || a.Cloneflags != 0 || a.Unshareflags != 0 || a.Pdeathsig != 0 {
		return fmt.Errorf("starting %s: %w", cmd.Path, ErrNotAsClient)
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: what is given up here does not come back
		// Until it executes the program the child shares this process's memory, and
		// its change of ids clears this process's dumpable flag (clone(2), CLONE_VM).
		this := &Active{tid: unix.Gettid()}
		err := threads.enter(this)
		if err == nil {
			if err = giveUp(a.Credential.Uid == 0); err == nil {
				err = cmd.Start()
			}
			threads.leave(this, true)
		}
		done <- err
	}()
	if err := <-done; err != nil {
		return fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	return nil
}

// giveUp takes from the calling thread what a child inherits beside ids: ambient
// and inheritable capabilities, the bounding set, and the gain from executing
// set-user-ID programs. A child that is root has what the bounding set leaves it,
// so for it a bounding set that stays is an error.
func giveUp(root bool) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("setting no_new_privs: %w", err)
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clearing ambient capabilities: %w", err)
	}
	for n := uintptr(0); ; n++ {
		in, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, n, 0, 0, 0)
		if err != nil { // EINVAL: the kernel knows no further capability
			break
		}
		if in == 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, n, 0, 0, 0); err != nil {
			if root {
				return fmt.Errorf("dropping capability %d from the bounding set: %w", n, err)
			}
			break // without no_new_privs it would matter
		}
	}
	c, err := readCaps()
	if err != nil {
		return err
	}
	c.inheritable = 0
	return setCaps(c)
}
