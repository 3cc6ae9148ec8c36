package security

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// Ids that no account of this machine is likely to have.
const (
	alice   = 50001
	bob     = 50002
	staff   = 50010
	testers = 50011
)

// token is one that no process stands behind.
func token(uid uint32, groups ...uint32) *Token {
	return &Token{id: Identity{PID: 1, UID: uid, GID: uid, Groups: groups}, level: Impersonation, space: OwnNamespace}
}

func write(t *testing.T, path string, uid, gid int, mode os.FileMode) {
	t.Helper()
	for _, err := range []error{os.WriteFile(path, []byte("x"), 0o600), os.Chown(path, uid, gid), os.Chmod(path, mode)} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Files are opened, refused and made as the client's, and as the server's again
// afterwards.
func TestImpersonateFiles(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	dir := proctest.PublicDir(t)
	tok := client(t, &syscall.Credential{Uid: alice, Gid: staff, Groups: []uint32{testers}})
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(home, alice, staff); err != nil {
		t.Fatal(err)
	}
	files := map[string]bool{ // whether the client may read it
		"its own": true, "of its group": true, "of its other group": true, "of root": false, "of another user": false, "of root's group": false,
	}
	write(t, filepath.Join(dir, "its own"), alice, 0, 0o400)
	write(t, filepath.Join(dir, "of its group"), 0, staff, 0o040)
	write(t, filepath.Join(dir, "of its other group"), 0, testers, 0o040)
	write(t, filepath.Join(dir, "of root"), 0, 0, 0o600)
	write(t, filepath.Join(dir, "of another user"), bob, staff, 0o600)
	write(t, filepath.Join(dir, "of root's group"), bob, 0, 0o640)

	called := false
	err := Impersonate(tok, Options{}, func() error {
		called = true
		if r, e, s := unix.Getresuid(); r != 0 || e != alice || s != 0 {
			t.Errorf("user ids %d %d %d, want 0 %d 0", r, e, s, alice)
		}
		if r, e, s := unix.Getresgid(); r != 0 || e != staff || s != 0 {
			t.Errorf("group ids %d %d %d, want 0 %d 0", r, e, s, staff)
		}
		if c, err := readCaps(); err != nil || c.effective != 0 {
			t.Errorf("effective capabilities %v, error %v, want none", c.effective, err)
		}
		if Current() != tok {
			t.Errorf("Current: %v", Current())
		}
		for name, want := range files {
			if _, err := os.ReadFile(filepath.Join(dir, name)); (err == nil) != want || err != nil && !denied(err) {
				t.Errorf("reading the file %s: %v, want allowed %v", name, err, want)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "new"), nil, 0o600); !denied(err) {
			t.Errorf("making a file in root's directory: %v", err)
		}
		return os.WriteFile(filepath.Join(home, "new"), nil, 0o600)
	})
	if err != nil || !called {
		t.Fatalf("called %v, error %v", called, err)
	}
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(home, "new"), &st); err != nil || st.Uid != alice || st.Gid != staff {
		t.Errorf("the new file belongs to %d:%d, error %v, want %d:%d", st.Uid, st.Gid, err, alice, staff)
	}
	for name := range files {
		if _, err := os.ReadFile(filepath.Join(dir, name)); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
	if Current() != nil {
		t.Errorf("afterwards Current is %v", Current())
	}
}

// Two threads are two clients at once, and a third is still the server.
func TestTwoClientsAtOnce(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	watchdog(t)
	dir := proctest.PublicDir(t)
	clients := []*Token{client(t, &syscall.Credential{Uid: alice, Gid: alice}), client(t, &syscall.Credential{Uid: bob, Gid: bob})}
	ready, check, done := make(chan int), make(chan int), make(chan error)
	for i, tok := range clients {
		mine, theirs := fmt.Sprint(i), fmt.Sprint(1-i)
		write(t, filepath.Join(dir, mine), int(tok.id.UID), 0, 0o600)
		go func() {
			done <- Impersonate(tok, Options{}, func() error {
				ready <- unix.Geteuid()
				<-check // both are in
				if _, err := os.ReadFile(filepath.Join(dir, mine)); err != nil {
					return err
				}
				if _, err := os.ReadFile(filepath.Join(dir, theirs)); !denied(err) {
					return fmt.Errorf("reading the other client's file: %v, want denied", err)
				}
				if unix.Geteuid() != int(tok.id.UID) {
					return fmt.Errorf("user id %d, want %d", unix.Geteuid(), tok.id.UID)
				}
				return nil
			})
		}()
	}
	if sum := <-ready + <-ready; sum != alice+bob {
		t.Errorf("user ids add up to %d, want %d", sum, alice+bob)
	}
	if unix.Geteuid() != 0 {
		t.Errorf("this goroutine has user id %d meanwhile", unix.Geteuid())
	}
	if err := os.WriteFile(filepath.Join(dir, "root's"), nil, 0o600); err != nil {
		t.Error(err)
	}
	close(check)
	for range clients {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A goroutine started inside runs as the server, also on a thread that is new.
func TestGoroutinesDoNotInherit(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	watchdog(t)
	const n = 40
	err := Impersonate(token(alice), Options{}, func() error {
		states, leave := make(chan thread), make(chan bool)
		for range n {
			go func() {
				runtime.LockOSThread() // a thread each
				defer runtime.UnlockOSThread()
				state, err := readThread()
				if err != nil {
					t.Error(err)
				}
				states <- state
				<-leave
			}()
		}
		for range n {
			if s := <-states; s.uid != (ids{}) || s.gid != (ids{}) || s.caps.effective == 0 {
				t.Errorf("a goroutine has user ids %v, group ids %v, capabilities %v", s.uid, s.gid, s.caps)
			}
		}
		close(leave)
		if unix.Geteuid() != alice {
			t.Errorf("user id %d, want %d", unix.Geteuid(), alice)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// whole runs f on a thread of its own and holds the thread's state afterwards
// against the one before.
func whole(t *testing.T, f func()) {
	t.Helper()
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		before, err := readThread()
		if err != nil {
			t.Error(err)
			return
		}
		f()
		after, err := readThread()
		if d := after.differs(&before); d != "" || err != nil {
			t.Errorf("afterwards %s, error %v", d, err)
		}
	}()
	<-done
}

// The thread comes back however f ends.
func TestComesBack(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	watchdog(t)
	tok := token(alice, staff, testers)
	sentinel := errors.New("f's own")
	whole(t, func() {
		if err := Impersonate(tok, Options{}, func() error { return sentinel }); err != sentinel {
			t.Errorf("got %v, want f's error", err)
		}
	})
	whole(t, func() {
		defer func() {
			if r := recover(); r != "f's own" {
				t.Errorf("recovered %v", r)
			}
		}()
		_ = Impersonate(tok, Options{}, func() error { panic("f's own") })
	})
	whole(t, func() { // a user of root's group, root without groups, nobody
		for _, tok := range []*Token{token(0), {}, {id: Identity{UID: alice, GID: 0, Groups: []uint32{0}}, level: Impersonation, space: OwnNamespace}} {
			if err := Impersonate(tok, Options{WithCapabilities: true}, func() error { return nil }); err != nil {
				t.Error(err)
			}
		}
	})
	whole(t, func() { // the largest ids there are
		big := token(1<<32-2, 1<<31, 1<<32-2)
		err := Impersonate(big, Options{}, func() error {
			if now, err := readThread(); err != nil || now.uid.effective != 1<<32-2 || now.gid.fs != 1<<32-2 {
				t.Errorf("user ids %v, group ids %v, error %v", now.uid, now.gid, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	whole(t, func() { // one unlock too many does not set the thread free
		tid := unix.Gettid()
		err := Impersonate(tok, Options{}, func() error {
			runtime.UnlockOSThread()
			for range 100 {
				runtime.Gosched()
			}
			runtime.LockOSThread()
			return nil
		})
		if err != nil || unix.Gettid() != tid {
			t.Errorf("on thread %d, began on %d, error %v", unix.Gettid(), tid, err)
		}
	})
	// runtime.Goexit, as t.FailNow does it.
	exited := make(chan thread)
	go func() {
		defer func() {
			s, _ := readThread()
			exited <- s
		}()
		_ = Impersonate(tok, Options{}, func() error { runtime.Goexit(); return nil })
	}()
	if s := <-exited; s.uid != (ids{}) || s.gid != (ids{}) || s.caps.effective == 0 {
		t.Errorf("after Goexit: %+v", s)
	}
}

func TestBeginAndRevert(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	watchdog(t)
	tok := token(alice, staff)
	whole(t, func() {
		a, err := Begin(tok, Options{})
		if err != nil {
			t.Error(err)
			return
		}
		if unix.Geteuid() != alice || a.Token() != tok || Current() != tok {
			t.Errorf("user id %d, token %v, current %v", unix.Geteuid(), a.Token(), Current())
		}
		if _, err := Begin(token(bob), Options{}); !errors.Is(err, ErrNested) || unix.Geteuid() != alice {
			t.Errorf("a second Begin: %v, user id %d", err, unix.Geteuid())
		}
		other := make(chan error)
		go func() { other <- a.Revert() }()
		if err := <-other; !errors.Is(err, ErrWrongThread) || unix.Geteuid() != alice {
			t.Errorf("Revert on another thread: %v, user id here %d", err, unix.Geteuid())
		}
		for range 2 { // the second does nothing
			if err := a.Revert(); err != nil || unix.Geteuid() != 0 || Current() != nil {
				t.Errorf("Revert: %v, user id %d, current %v", err, unix.Geteuid(), Current())
			}
		}
	})
}

func TestLevels(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	fd, child := connectFrom(t, &syscall.Credential{Uid: alice, Gid: staff, Groups: []uint32{testers}})
	never := func() error { t.Error("f was called"); return nil }

	tok, err := Capture(fd, Identification)
	if err != nil {
		t.Fatal(err)
	}
	if id := tok.Identity(); id.UID != alice || id.PID != child.Process.Pid || !id.InGroup(testers) || tok.Level() != Identification {
		t.Errorf("identification gives %v", tok)
	}
	if err := Impersonate(tok, Options{AllowForeign: true}, never); !errors.Is(err, ErrIdentificationOnly) {
		t.Errorf("impersonating at identification: %v", err)
	}

	if tok, err = Capture(fd, Anonymous); err != nil {
		t.Fatal(err)
	}
	if id := tok.Identity(); fmt.Sprint(id) != "pid 0 uid 65534 gid 65534" || id.Groups != nil || tok.Capabilities() != 0 {
		t.Errorf("anonymous gives %v", tok)
	}
	called := false
	err = Impersonate(tok, Options{}, func() error {
		called = true
		groups, err := unix.Getgroups()
		if unix.Geteuid() != 65534 || unix.Getegid() != 65534 || len(groups) != 0 {
			t.Errorf("user %d, group %d, groups %v", unix.Geteuid(), unix.Getegid(), groups)
		}
		return err
	})
	if err != nil || !called {
		t.Errorf("called %v, error %v", called, err)
	}

	for _, l := range []Level{Delegation, 4, 255} {
		if tok, err := Capture(fd, l); !errors.Is(err, ErrLevel) || tok != nil {
			t.Errorf("%v: got %v and error %v", l, tok, err)
		}
	}
	minusUser, minusGroup := token(alice), token(alice) // -1 would leave the ids as they are
	minusUser.id.UID, minusGroup.id.GID = 1<<32-1, 1<<32-1
	for _, tok := range []*Token{nil, minusUser, minusGroup} {
		if err := Impersonate(tok, Options{AllowForeign: true}, never); !errors.Is(err, ErrIdentificationOnly) {
			t.Errorf("impersonating %+v: %v", tok, err)
		}
	}
	if _, err := Capture(-1, Impersonation); !errors.Is(err, unix.EBADF) {
		t.Errorf("no socket: %v", err)
	}
}

func BenchmarkImpersonate(b *testing.B) {
	needs.Root(b, "to take another user's ids")
	tok := token(alice, staff)
	for b.Loop() {
		if err := Impersonate(tok, Options{}, func() error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
