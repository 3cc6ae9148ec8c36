package namespace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

func TestList(t *testing.T) {
	first, second := newRoot(t), proctest.PublicDir(t)
	inSecond := Options{Root: second}
	listenOn(t, "zebra", Options{})
	listenOn(t, "Spool", Options{})
	listenOn(t, "spool", inSecond)
	listenOn(t, `\Port`, Options{})
	listenOn(t, `\a\b\c`, inSecond)
	listenOn(t, ".lock", Options{})
	start(t, "die gone named").expect(t, "")
	start(t, "die half bound").expect(t, "") // its hidden socket is no port
	for _, name := range []string{"Capital", "a b", "file"} {
		if err := os.WriteFile(filepath.Join(first, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	missing := filepath.Join(second, "missing")

	entries, err := List(context.Background(), []string{first, missing, second})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if e.Err != nil || e.Stale != (e.PID == 0) || e.PID != 0 && e.PID != os.Getpid() || e.UID != uint32(os.Geteuid()) || e.Path != filepath.Join(e.Root, e.Name.Path()) {
			t.Errorf("entry %+v", e)
		}
		got = append(got, fmt.Sprint(e.Name.Short(), " ", slices.Index([]string{first, second}, e.Root), " ", e.Stale))
	}
	want := []string{
		`\a\b\c 1 false`,
		`\port 0 false`,
		`.lock 0 false`,
		`gone 0 true`,
		`spool 0 false`,
		`spool 1 false`,
		`zebra 0 false`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestListEmpty(t *testing.T) {
	root := newRoot(t)
	for _, roots := range [][]string{nil, {root}, {filepath.Join(root, "missing")}} {
		if entries, err := List(context.Background(), roots); len(entries) != 0 || err != nil {
			t.Errorf("%q: got %v and error %v", roots, entries, err)
		}
	}
}

func TestListEndsWithContext(t *testing.T) {
	root := newRoot(t)
	listenOn(t, "spool", Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := List(ctx, []string{root}); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want Canceled", err)
	}
}

// What may not be probed is listed all the same.
func TestListWithoutPermission(t *testing.T) {
	needs.Root(t, "to act as a second user")
	root := newRoot(t)
	listenOn(t, "closed", Options{})
	listenOn(t, "open", Options{Mode: 0o666})
	listenOn(t, `\hidden\port`, Options{})
	if err := os.Chmod(filepath.Join(root, "hidden"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := start(t, "list", asUser(nobody))
	var got []string
	for line := p.line(); line != ""; line = p.line() {
		got = append(got, line)
	}
	want := []string{
		"permission  stale=false pid=0 uid=0 hidden",
		"permission closed stale=false pid=0 uid=0 closed",
		fmt.Sprintf("ok open stale=false pid=%d uid=0 open", os.Getpid()),
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A port whose listener is another process than the one that lists, and of
// another user than the socket's file would say.
func TestListSaysWhoListens(t *testing.T) {
	needs.Root(t, "to act as a second user")
	t.Setenv("LPC_ROOT", userDir(t, nobody))
	p := start(t, "listen spool 0600", asUser(nobody))
	p.expect(t, "ok")
	want := fmt.Sprintf("ok spool stale=false pid=%d uid=%d spool", p.PID(), nobody)
	if got := run(t, "list", asUser(nobody)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func closeFD(t *testing.T, fd int) {
	t.Helper()
	if err := unix.Close(fd); err != nil {
		t.Error(err)
	}
}
