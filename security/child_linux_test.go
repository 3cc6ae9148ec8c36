package security

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// roleClimb tries to become root in every way, and prints what it is then.
func roleClimb([]string) error {
	for _, try := range []func() error{
		func() error { return unix.Setresuid(0, 0, 0) },
		func() error { return unix.Setresuid(-1, 0, -1) },
		func() error { return unix.Setuid(0) },
		func() error { return unix.Setresgid(0, 0, 0) },
		func() error { return unix.Setgroups([]int{0}) },
		func() error {
			return setCaps(capSets{effective: 1 << unix.CAP_SETUID, permitted: 1 << unix.CAP_SETUID})
		},
		func() error { return raiseAmbient(1 << unix.CAP_SETUID) },
	} {
		_ = try() // what became of it is seen below
	}
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for _, name := range []string{"Uid:", "Gid:", "Groups:", "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:"} {
		fmt.Println(name, strings.Join(strings.Fields(field(string(b), name)), " "))
	}
	_, err = os.ReadFile("/proc/1/environ")
	fmt.Println("root's file:", err == nil)
	fmt.Println("environment:", len(os.Environ()))
	return nil
}

const none = "0000000000000000"

// A child that is started inside by Token.Command and Start is the client for
// good.
func TestChildCannotClimb(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	watchdog(t)
	for name, c := range map[string]struct {
		tok    *Token
		ids    string
		groups string
	}{
		"user": {token(alice, staff, testers), "50001 50001 50001 50001", "50010 50011"},
		"root": {token(0), "0 0 0 0", ""}, // without a capability it cannot even add group 0
	} {
		t.Run(name, func(t *testing.T) {
			makeDumpable(t)
			var out []byte
			err := Impersonate(c.tok, Options{}, func() error {
				cmd, err := c.tok.Command(Options{}, "/proc/self/exe")
				if err != nil {
					return err
				}
				cmd.Env = append(cmd.Env, proctest.RoleEnv+"=climb", argument())
				var b strings.Builder
				cmd.Stdout = &b
				if err := Start(cmd); err != nil {
					return err
				}
				err = cmd.Wait()
				out = []byte(b.String())
				if unix.Geteuid() != int(c.tok.id.UID) {
					t.Errorf("Start has made the thread user %d", unix.Geteuid())
				}
				return err
			})
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			dumpableNow(t, 1)
			want := strings.Join([]string{"Uid: " + c.ids, "Gid: " + c.ids, "Groups: " + c.groups, "CapInh: " + none, "CapPrm: " + none,
				"CapEff: " + none, "CapBnd: " + none, "CapAmb: " + none, "NoNewPrivs: 1", "root's file: false", "environment: 2", ""}, "\n")
			if string(out) != want {
				t.Errorf("the child says\n%s\nwant\n%s", out, want)
			}
		})
	}
	// What the starting thread gave up, this process has still.
	if n, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); n != 0 || err != nil {
		t.Errorf("no_new_privs is %d here, error %v", n, err)
	}
	if n, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, unix.CAP_SETUID, 0, 0, 0); n != 1 || err != nil {
		t.Errorf("CAP_SETUID in the bounding set: %d here, error %v", n, err)
	}
}

func TestStartRefuses(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	watchdog(t)
	cred := &syscall.Credential{Uid: alice, Gid: alice}
	for name, attr := range map[string]*syscall.SysProcAttr{
		"nothing said":        nil,
		"no credential":       {},
		"the server's groups": {Credential: &syscall.Credential{Uid: alice, Gid: alice, NoSetGroups: true}},
		"capabilities":        {Credential: cred, AmbientCaps: []uintptr{unix.CAP_SETUID}},
		"a user namespace":    {Credential: cred, Cloneflags: unix.CLONE_NEWUSER},
		"another unshared":    {Credential: cred, Unshareflags: unix.CLONE_NEWNS},
		"a death signal":      {Credential: cred, Pdeathsig: unix.SIGKILL},
	} {
		cmd := exec.Command("/bin/true")
		cmd.SysProcAttr = attr
		if err := Start(cmd); !errors.Is(err, ErrNotAsClient) || cmd.Process != nil {
			t.Errorf("%s: error %v, process %v", name, err, cmd.Process)
		}
	}
	tok := token(alice)
	if cmd, err := tok.Command(Options{}, "/nonexistent"); err != nil {
		t.Error(err)
	} else if err := Start(cmd); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such program: %v", err)
	}
	tok.level = Identification
	if cmd, err := tok.Command(Options{}, "/bin/true"); !errors.Is(err, ErrIdentificationOnly) || cmd != nil {
		t.Errorf("at identification: %v, error %v", cmd, err)
	}
}

// The command's own Start has no right on the impersonating thread.
func TestPlainStartFailsInside(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	tok := token(alice)
	err := Impersonate(tok, Options{}, func() error {
		cmd, err := tok.Command(Options{}, "/proc/self/exe")
		if err != nil {
			return err
		}
		return cmd.Start()
	})
	if !errors.Is(err, unix.EPERM) {
		t.Errorf("got %v, want EPERM", err)
	}
}
