package security

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// roleService is a server that is not root but may change ids by ambient
// capabilities, as a systemd unit with AmbientCapabilities is.
func roleService([]string) error {
	runtime.LockOSThread()
	before, err := readThread()
	if err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGTERM), 0, 0, 0); err != nil {
		return err
	}
	before.death = int(unix.SIGTERM)
	owner := func() uint32 {
		var st unix.Stat_t
		if err := unix.Stat(fmt.Sprintf("/proc/%d/status", os.Getpid()), &st); err != nil {
			return ^uint32(0)
		}
		return st.Uid
	}
	fmt.Println("ambient", before.ambient, "owner", owner())
	for _, tok := range []*Token{token(bob, staff), token(0), {}} {
		err := Impersonate(tok, Options{}, func() error {
			now, err := readThread()
			fmt.Println("inside", now.uid, now.gid, now.groups, now.caps.effective, now.death, "owner", owner())
			return err
		})
		if err != nil {
			return err
		}
		after, err := readThread()
		if err != nil {
			return err
		}
		fmt.Printf("after differs %q owner %d\n", after.differs(&before), owner())
	}
	return nil
}

func TestServiceWithAmbientCapabilities(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	watchdog(t)
	cmd := role("service", &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: alice, Gid: alice},
		AmbientCaps: []uintptr{unix.CAP_SETUID, unix.CAP_SETGID},
	})
	inside := uint32(alice) // who owns /proc/PID meanwhile
	if clearedDumpable(t) != 1 {
		inside = 0
	}
	want := []string{fmt.Sprintf("ambient %v owner %d", CapSet(1<<unix.CAP_SETUID|1<<unix.CAP_SETGID), alice)}
	for _, c := range []struct {
		uid    int
		groups string
	}{{bob, "[50010]"}, {0, "[]"}, {65534, "[]"}} {
		want = append(want,
			fmt.Sprintf("inside {50001 %d 50001 %d} {50001 %d 50001 %d} %s %s 15 owner %d", c.uid, c.uid, c.uid, c.uid, c.groups, none, inside),
			fmt.Sprintf("after differs \"\" owner %d", alice))
	}
	if got := says(t, cmd); !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// roleUnprivileged is a server without any right: it can be a client with its
// own ids, and no other.
func roleUnprivileged([]string) error {
	runtime.LockOSThread()
	before, err := readThread()
	if err != nil {
		return err
	}
	own := &Token{id: Identity{UID: alice, GID: staff, Groups: []uint32{testers, staff}}, level: Impersonation, space: OwnNamespace}
	more, user, group := *own, *own, *own
	more.id.Groups = append(slices.Clone(own.id.Groups), 0)
	user.id.UID = bob
	group.id.GID = testers
	for _, c := range []struct {
		name string
		tok  *Token
	}{{"own", own}, {"more groups", &more}, {"user", &user}, {"group", &group}, {"root", token(0)}, {"anonymous", &Token{}}} {
		called := false
		err := Impersonate(c.tok, Options{WithCapabilities: true}, func() error { called = true; return nil })
		after, e := readThread()
		if e != nil {
			return e
		}
		fmt.Printf("%s: called %v, no privilege %v, error %v, differs %q\n", c.name, called, errors.Is(err, ErrNoPrivilege), err != nil, after.differs(&before))
	}
	return nil
}

func TestUnprivileged(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	watchdog(t)
	attr := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: alice, Gid: staff, Groups: []uint32{staff, testers}}}
	want := []string{`own: called true, no privilege false, error false, differs ""`}
	for _, name := range []string{"more groups", "user", "group", "root", "anonymous"} {
		want = append(want, name+`: called false, no privilege true, error true, differs ""`)
	}
	if got := says(t, role("unprivileged", attr)); !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}
