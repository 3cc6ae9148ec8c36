package namespace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTakeoverAfterKill(t *testing.T) {
	root := newRoot(t)
	p := start(t, "listen spool 0600")
	p.expect(t, "ok")
	if _, err := Listen(mustParse("spool"), Options{}); !errors.Is(err, ErrInUse) {
		t.Fatalf("while it lives: got error %v, want ErrInUse", err)
	}
	p.Kill()

	entries, err := List(context.Background(), []string{root})
	if err != nil || len(entries) != 1 || !entries[0].Stale || entries[0].PID != 0 || entries[0].Err != nil {
		t.Fatalf("List: got %+v and error %v, want one stale entry", entries, err)
	}
	_, err = Connect(context.Background(), mustParse("spool"))
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "stale: its server died") {
		t.Errorf("Connect: got error %v, want ErrNotFound that says stale", err)
	}

	l := listenOn(t, "spool", Options{})
	reach(t, l, "spool")
	if entries, err = List(context.Background(), []string{root}); err != nil || len(entries) != 1 || entries[0].Stale || entries[0].PID != os.Getpid() {
		t.Errorf("List after takeover: got %+v and error %v, want one live entry", entries, err)
	}
}

// A child that was forked without execve(2) has the sockets of its parent and outlives it.
func TestTakeoverFromForkedChild(t *testing.T) {
	root := newRoot(t)
	p := start(t, "fork spool")
	child, err := strconv.Atoi(strings.TrimPrefix(p.line(), "ok "))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Kill(child, unix.SIGKILL) })
	if _, err := Listen(mustParse("spool"), Options{}); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprint("by process ", p.PID())) {
		t.Errorf("while it lives: got error %v, want ErrInUse that names process %d", err, p.PID())
	}
	p.Kill()

	if entries, err := List(context.Background(), []string{root}); err != nil || len(entries) != 1 || !entries[0].Stale {
		t.Errorf("List: got %+v and error %v, want one stale entry", entries, err)
	}
	if _, err := Connect(context.Background(), mustParse("spool")); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "stale") {
		t.Errorf("Connect: got error %v, want ErrNotFound that says stale", err)
	}
	reach(t, listenOn(t, "spool", Options{}), "spool")
	if err := unix.Kill(child, 0); err != nil {
		t.Errorf("the child is gone, so nothing was shown: %v", err)
	}
}

// Wherever the process is killed, the next one gets the name and leaves nothing
// but the lock file.
func TestKillAtEachFailpoint(t *testing.T) {
	for _, step := range failpoints {
		for _, state := range []string{"new", "stale"} {
			t.Run(step+"/"+state, func(t *testing.T) {
				root := newRoot(t)
				if state == "stale" {
					start(t, "die spool named").expect(t, "")
				}
				p := start(t, "die spool "+step)
				p.expect(t, "") // it says nothing, it is dead
				_ = p.Cmd.Wait()
				if ws := p.Cmd.ProcessState; ws.String() != "signal: killed" {
					t.Fatalf("it ended by %s", ws)
				}
				l, err := Listen(mustParse("spool"), Options{})
				if err != nil {
					t.Fatal(err)
				}
				reach(t, l, "spool")
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				if got := files(t, filepath.Join(root, "rpc%20control")); !slices.Equal(got, []string{".spool.lock"}) {
					t.Errorf("left behind: %q", got)
				}
			})
		}
	}
}

func TestFailpointsAreAll(t *testing.T) {
	newRoot(t)
	var steps []string
	hook(t, func(step string) { steps = append(steps, step) })
	listenOn(t, "spool", Options{})
	if !slices.Equal(steps, failpoints) {
		t.Errorf("Listen came by %q, the list has %q", steps, failpoints)
	}
}

// A listener whose files were removed under it is no longer the name's owner.
func TestCloseLeavesNewOwnersSocket(t *testing.T) {
	newRoot(t)
	old := listenOn(t, "spool", Options{})
	removeAll(t, old, "spool", ".spool.lock")
	owner := listenOn(t, "spool", Options{})
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	reach(t, owner, "spool")
	if _, err := Listen(mustParse("spool"), Options{}); !errors.Is(err, ErrInUse) {
		t.Errorf("got error %v, want ErrInUse", err)
	}
}

func TestCloseAfterDirectoryIsGone(t *testing.T) {
	root := newRoot(t)
	l := listenOn(t, "spool", Options{})
	if err := os.RemoveAll(filepath.Join(root, "rpc%20control")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// The lock is free, but a connection says that the server lives.
func TestListenInUseWithoutLock(t *testing.T) {
	newRoot(t)
	l := listenOn(t, "spool", Options{})
	removeAll(t, l, ".spool.lock")
	if _, err := Listen(mustParse("spool"), Options{}); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), l.Path()) {
		t.Errorf("got error %v, want ErrInUse with the socket's path", err)
	}
	drain(l)
	reach(t, l, "spool")
}

// The kernel has let go of a killed server's lock, and not yet of its socket.
func TestListenWaitsForTheDying(t *testing.T) {
	newRoot(t)
	l := listenOn(t, "spool", Options{})
	removeAll(t, l, ".spool.lock")
	dead := make(chan struct{})
	go func() {
		defer close(dead)
		poll := []unix.PollFd{{Fd: int32(l.FD()), Events: unix.POLLIN}}
		for {
			if n, err := unix.Poll(poll, -1); n == 1 || err != unix.EINTR {
				break
			}
		}
		// The probe is in the backlog. What a kill does to the socket:
		unix.Close(l.fd)
		l.fd = -1
	}()
	second, err := Listen(mustParse("spool"), Options{})
	<-dead
	if err != nil {
		t.Fatal(err)
	}
	reach(t, second, "spool")
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
}

// Somebody replaces or removes the lock file between open and flock: the lock of
// a file that is not there any more is worth nothing.
func TestLockFileReplaced(t *testing.T) {
	root := newRoot(t)
	dir := filepath.Join(root, "rpc%20control")
	path := filepath.Join(dir, ".spool.lock")
	for name, replace := range map[string]func() error{
		"removed": func() error { return os.Remove(path) },
		"replaced": func() error {
			if err := os.WriteFile(path+".2", nil, 0o600); err != nil {
				return err
			}
			return os.Rename(path+".2", path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, times := range []int{1, 3} {
				opened := 0
				hook(t, func(step string) {
					if step == "lock-opened" {
						if opened++; opened <= times {
							if err := replace(); err != nil {
								t.Error(err)
							}
						}
					}
				})
				l, err := Listen(mustParse("spool"), Options{})
				if err != nil {
					t.Fatal(err)
				}
				if opened != times+1 {
					t.Errorf("opened %d times, want %d", opened, times+1)
				}
				if got := run(t, "listen spool 0600"); !strings.HasPrefix(got, "in-use ") {
					t.Errorf("another process: %q, want in-use", got)
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	t.Run("always", func(t *testing.T) {
		hook(t, func(step string) {
			if step == "lock-opened" {
				if err := os.Remove(path); err != nil {
					t.Error(err)
				}
			}
		})
		if _, err := Listen(mustParse("spool"), Options{}); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "replaced") {
			t.Errorf("got error %v, want ErrInUse that says replaced", err)
		}
	})
	t.Run("symbolic link", func(t *testing.T) {
		target := filepath.Join(root, "target")
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
		if l, err := Listen(mustParse("spool"), Options{}); err == nil {
			l.Close()
			t.Error("no error")
		}
		if _, err := os.Lstat(target); err == nil {
			t.Error("the link was followed")
		}
	})
}

// A server that dies is followed by another while a client is about to connect.
func TestConnectLooksOnceMore(t *testing.T) {
	newRoot(t)
	start(t, "die spool named").expect(t, "")
	var l *Listener
	first := true
	hook(t, func(step string) {
		if step == "refused" && first {
			first = false
			l = listenOn(t, "spool", Options{})
		}
	})
	fd, err := Connect(context.Background(), mustParse("spool"))
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	if first {
		t.Error("the failpoint was not met")
	}
	drain(l)
	reach(t, l, "spool")
}

func hook(t *testing.T, f func(step string)) {
	t.Helper()
	old := failpoint
	failpoint = f
	t.Cleanup(func() { failpoint = old })
}

// removeAll removes files beside l's socket.
func removeAll(t *testing.T, l *Listener, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.Remove(filepath.Join(filepath.Dir(l.Path()), name)); err != nil {
			t.Fatal(err)
		}
	}
}

// drain accepts and closes what is in l's backlog.
func drain(l *Listener) {
	for {
		fd, _, err := unix.Accept4(l.FD(), unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		unix.Close(fd)
	}
}
