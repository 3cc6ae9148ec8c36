package namespace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// everywhere tries all that uses a directory.
func everywhere(t *testing.T, root, name string, check func(what string, err error)) {
	t.Helper()
	l, err := Listen(mustParse(name), Options{})
	if err == nil {
		l.Close()
	}
	check("Listen", err)
	_, err = Connect(context.Background(), mustParse(name))
	check("Connect", err)
	entries, err := List(context.Background(), []string{root})
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		if e.Err != nil {
			check("List", e.Err)
			if e.Name != (Name{}) || !strings.HasPrefix(e.Path, root) || e.Root != root {
				t.Errorf("List: got %+v, want no name, and the directory", e)
			}
			return
		}
	}
	check("List", nil)
}

func TestDirectoryThatOthersMayWrite(t *testing.T) {
	for _, mode := range []os.FileMode{0o777, 0o777 | os.ModeSticky, 0o775, 0o757, 0o722} {
		for _, which := range []string{"", "rpc%20control"} {
			t.Run(fmt.Sprintf("%v %s", mode, which), func(t *testing.T) {
				root := newRoot(t)
				bad := filepath.Join(root, which)
				if which != "" {
					if err := os.Mkdir(bad, 0o755); err != nil {
						t.Fatal(err)
					}
				}
				if err := os.Chmod(bad, mode); err != nil {
					t.Fatal(err)
				}
				everywhere(t, root, "spool", func(what string, err error) {
					if !errors.Is(err, ErrUntrustedRoot) || !strings.Contains(err.Error(), bad+":") ||
						!strings.Contains(err.Error(), fmt.Sprintf("belongs to uid %d and has mode %04o", os.Geteuid(), mode.Perm())) {
						t.Errorf("%s: got error %v, want ErrUntrustedRoot with directory, owner and mode", what, err)
					}
				})
			})
		}
	}
}

func TestDirectoryOfAnotherUser(t *testing.T) {
	needs.Root(t, "to act as a second user")
	root := newRoot(t)
	if err := os.Chown(root, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	everywhere(t, root, "spool", func(what string, err error) {
		if !errors.Is(err, ErrUntrustedRoot) || !strings.Contains(err.Error(), "belongs to uid 65534") {
			t.Errorf("%s: got error %v, want ErrUntrustedRoot with the owner", what, err)
		}
	})
	// Its owner may use it, and nobody else but root.
	if got := run(t, "listen spool 0666", asUser(nobody)); !strings.HasPrefix(got, "ok ") {
		t.Errorf("its owner listens: %q, want ok", got)
	}
	if got := run(t, "connect spool", asUser(nobody-1)); !strings.HasPrefix(got, "untrusted ") {
		t.Errorf("a third user connects: %q, want untrusted", got)
	}
}

func TestSymbolicLinks(t *testing.T) {
	t.Run("root", func(t *testing.T) {
		link := filepath.Join(proctest.PublicDir(t), "link")
		if err := os.Symlink(proctest.PublicDir(t), link); err != nil {
			t.Fatal(err)
		}
		t.Setenv("LPC_ROOT", link)
		everywhere(t, link, "spool", func(what string, err error) {
			if !errors.Is(err, ErrUntrustedRoot) || !strings.Contains(err.Error(), link+": ") || !strings.Contains(err.Error(), "symbolic link") {
				t.Errorf("%s: got error %v, want ErrUntrustedRoot that says symbolic link", what, err)
			}
		})
	})
	t.Run("directory below", func(t *testing.T) {
		root := newRoot(t)
		if err := os.Symlink(proctest.PublicDir(t), filepath.Join(root, "dir")); err != nil {
			t.Fatal(err)
		}
		everywhere(t, root, `\dir\spool`, func(what string, err error) {
			if what == "List" { // a link is neither port nor directory
				if err != nil {
					t.Errorf("List: %v", err)
				}
			} else if !errors.Is(err, ErrUntrustedRoot) || !strings.Contains(err.Error(), "symbolic link") {
				t.Errorf("%s: got error %v, want ErrUntrustedRoot that says symbolic link", what, err)
			}
		})
	})
	t.Run("above the root", func(t *testing.T) {
		link := filepath.Join(proctest.PublicDir(t), "link")
		if err := os.Symlink(proctest.PublicDir(t), link); err != nil {
			t.Fatal(err)
		}
		t.Setenv("LPC_ROOT", filepath.Join(link, "root"))
		reach(t, listenOn(t, "spool", Options{}), "spool")
	})
}

func TestRootThatIsNone(t *testing.T) {
	file := filepath.Join(proctest.PublicDir(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{file, "relative", "./relative"} {
		t.Setenv("LPC_ROOT", root)
		everywhere(t, root, "spool", func(what string, err error) {
			if !errors.Is(err, ErrUntrustedRoot) || !strings.Contains(err.Error(), root) {
				t.Errorf("%s: root %s: got error %v, want ErrUntrustedRoot", what, root, err)
			}
		})
	}
}

// Root made a directory for a service account: all reach its ports, and its
// owner finds the way there by the name alone.
func TestServiceAccount(t *testing.T) {
	needs.Root(t, "to act as a second user")
	system := proctest.PublicDir(t)
	service := filepath.Join(system, "svc")
	if err := os.Mkdir(service, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(service, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	old := systemRoot
	systemRoot = system
	defer func() { systemRoot = old }()
	env := withEnv(systemEnv+"="+system, "LPC_ROOT=", "XDG_RUNTIME_DIR=", "TMPDIR="+userDir(t, nobody))
	t.Setenv("LPC_ROOT", "")

	p := start(t, `listen \Svc\Deep\Port 0666`, asUser(nobody), env)
	if got, want := p.line(), "ok "+service+"/deep/port"; got != want {
		t.Fatalf("the account listens: %q, want %q", got, want)
	}
	// A port elsewhere is the account's own, in its own root.
	if got := run(t, "listen spool 0600", asUser(nobody), env); !strings.HasPrefix(got, "ok ") || strings.Contains(got, system) {
		t.Errorf("the account listens on spool: %q, want it in its own root", got)
	}
	fd, err := Connect(context.Background(), mustParse(`\svc\deep\port`))
	if err != nil {
		t.Errorf("root connects: %v", err)
	} else {
		closeFD(t, fd)
	}
	other := withEnv("TMPDIR=" + userDir(t, nobody-1))
	if got := run(t, `connect \svc\deep\port`, asUser(nobody-1), env, other); !strings.HasPrefix(got, "ok ") {
		t.Errorf("a third user connects: %q, want ok", got)
	}
	want := fmt.Sprintf("ok \\svc\\deep\\port stale=false pid=%d uid=%d port", p.PID(), nobody)
	if got := run(t, "list", asUser(nobody-1), env, other); got != want {
		t.Errorf("a third user lists: %q, want %q", got, want)
	}
	// Root does not put files where the account could play with them.
	if _, err := Listen(mustParse(`\svc\other`), Options{}); !errors.Is(err, ErrUntrustedRoot) {
		t.Errorf("root listens in the account's directory: got error %v, want ErrUntrustedRoot", err)
	}
	// In a user's own root a directory of a third is nobody's delegation.
	mine := userDir(t, nobody-1)
	if err := os.Rename(service, filepath.Join(mine, "svc")); err != nil {
		t.Fatal(err)
	}
	if got := run(t, `connect \svc\deep\port`, asUser(nobody-1), withEnv("LPC_ROOT="+mine)); !strings.HasPrefix(got, "untrusted ") {
		t.Errorf("below a user's own root: %q, want untrusted", got)
	}
}

// An own root that is not to be trusted must not keep the system's ports from
// the caller: anybody can make such a directory in the temporary directory.
func TestUntrustedOwnRootIsPassedOver(t *testing.T) {
	needs.Root(t, "to act as a second user")
	system := proctest.PublicDir(t)
	old := systemRoot
	systemRoot = system
	defer func() { systemRoot = old }()
	t.Setenv("LPC_ROOT", "")
	listenOn(t, "spool", Options{Mode: 0o666})

	tmp := proctest.PublicDir(t)
	if err := os.Mkdir(filepath.Join(tmp, fmt.Sprint("lpc-", nobody)), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(tmp, fmt.Sprint("lpc-", nobody)), nobody-1, nobody-1); err != nil {
		t.Fatal(err)
	}
	env := withEnv(systemEnv+"="+system, "LPC_ROOT=", "XDG_RUNTIME_DIR=", "TMPDIR="+tmp)
	for role, word := range map[string]string{"connect spool": "ok", "connect other": "untrusted", "listen spool 0600": "untrusted"} {
		if got := run(t, role, asUser(nobody), env); !strings.HasPrefix(got, word+" ") {
			t.Errorf("%s: %q, want %s", role, got, word)
		}
	}
}

// userDir is a public directory that belongs to uid.
func userDir(t *testing.T, uid int) string {
	t.Helper()
	dir := proctest.PublicDir(t)
	if err := os.Chown(dir, uid, uid); err != nil {
		t.Fatal(err)
	}
	return dir
}
