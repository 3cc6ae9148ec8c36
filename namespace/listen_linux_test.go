package namespace

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestListenAndConnect(t *testing.T) {
	root := newRoot(t)
	l := listenOn(t, `\RPC Control\Spool`, Options{})
	if want := root + "/rpc%20control/spool"; l.Path() != want {
		t.Errorf("path %s, want %s", l.Path(), want)
	}
	if got := l.Name().String(); got != `\RPC Control\Spool` {
		t.Errorf("name %s", got)
	}
	for _, name := range []string{"spool", "SPOOL", "ncalrpc:[spooL]", `\rpc control\spool`} {
		reach(t, l, name)
	}
	if _, err := Connect(context.Background(), mustParse(`\spool`)); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), root) {
		t.Errorf("another name: got error %v, want ErrNotFound with the root", err)
	}
	fd, err := Connect(context.Background(), mustParse("spool"))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for what, fd := range map[string]int{"listener": l.FD(), "connection": fd} {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s: descriptor flags %#x and error %v, want close-on-exec", what, flags, err)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
			t.Errorf("%s: status flags %#x and error %v, want non-blocking", what, flags, err)
		}
		if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != unix.SOCK_SEQPACKET {
			t.Errorf("%s: socket type %d and error %v, want SOCK_SEQPACKET", what, kind, err)
		}
	}
}

func TestClose(t *testing.T) {
	root := newRoot(t)
	l := listenOn(t, "spool", Options{})
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Connect(context.Background(), mustParse("spool")); !errors.Is(err, ErrNotFound) || errors.Is(err, errStale) {
		t.Errorf("after Close: got error %v, want ErrNotFound and not stale", err)
	}
	// The lock file alone stays.
	if got := files(t, filepath.Join(root, "rpc%20control")); !slices.Equal(got, []string{".spool.lock"}) {
		t.Errorf("left behind: %q", got)
	}
	reach(t, listenOn(t, "spool", Options{}), "spool")
}

// A child that is being started has the lock's descriptor until its execve.
func TestCloseFreesNameForAll(t *testing.T) {
	newRoot(t)
	l := listenOn(t, "spool", Options{})
	inherited, err := unix.FcntlInt(uintptr(l.lock), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(inherited)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	listenOn(t, "spool", Options{})
}

func TestListenInUse(t *testing.T) {
	newRoot(t)
	l := listenOn(t, "spool", Options{})
	for _, name := range []string{"spool", "SPOOL"} {
		if second, err := Listen(mustParse(name), Options{}); !errors.Is(err, ErrInUse) || second != nil {
			t.Errorf("second Listen here as %s: got error %v, want ErrInUse", name, err)
		}
	}
	if got := run(t, "listen spool 0600"); !strings.HasPrefix(got, "in-use ") || !strings.Contains(got, "spool") {
		t.Errorf("another process: %q, want in-use", got)
	}
	reach(t, l, "spool")
}

func TestListenZeroName(t *testing.T) {
	newRoot(t)
	if _, err := Listen(Name{}, Options{}); !errors.Is(err, ErrInvalidName) {
		t.Errorf("Listen: got error %v, want ErrInvalidName", err)
	}
	if _, err := Connect(context.Background(), Name{}); !errors.Is(err, ErrInvalidName) {
		t.Errorf("Connect: got error %v, want ErrInvalidName", err)
	}
}

func TestRaceOfTwoProcesses(t *testing.T) {
	newRoot(t)
	const rounds = 10
	for range rounds {
		a, b := start(t, "race spool"), start(t, "race spool")
		a.expect(t, "ready")
		b.expect(t, "ready")
		a.Say(t, "")
		b.Say(t, "")
		got := []string{a.line(), b.line()}
		slices.Sort(got)
		if !slices.Equal(got, []string{"in-use", "ok"}) {
			t.Fatalf("got %q, want one ok and one in-use", got)
		}
		// The name is left stale for the next round.
		a.Kill()
		b.Kill()
	}
}

func TestRaceOfGoroutines(t *testing.T) {
	newRoot(t)
	for range 20 {
		var mu sync.Mutex
		var won []*Listener
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				l, err := Listen(mustParse("spool"), Options{})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won = append(won, l)
				} else if !errors.Is(err, ErrInUse) {
					t.Errorf("got error %v, want ErrInUse", err)
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%d have the name", len(won))
		}
		reach(t, won[0], "spool")
		if err := won[0].Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestListenAndConnectLongNames(t *testing.T) {
	root := newRoot(t)
	long := strings.Repeat("n", MaxComponent)
	var names []string
	for n := MaxComponent - 8; n <= MaxComponent; n++ { // the lock file's name changes within
		names = append(names, long[:n])
	}
	names = append(names,
		`\`+strings.Repeat(long+`\`, 7)+strings.Repeat("d", MaxComponent), // the longest of all
		strings.Repeat("ä", MaxComponent/6),
	)
	for _, name := range names {
		l := listenOn(t, name, Options{})
		reach(t, l, name)
		if _, err := Listen(mustParse(name), Options{}); !errors.Is(err, ErrInUse) {
			t.Errorf("second Listen on %d bytes: got error %v, want ErrInUse", len(name), err)
		}
	}
	entries, err := List(context.Background(), []string{root})
	if err != nil || len(entries) != len(names) {
		t.Errorf("List: %d entries and error %v, want %d", len(entries), err, len(names))
	}
	for _, e := range entries {
		if e.Stale || e.PID != os.Getpid() || e.Err != nil {
			t.Errorf("entry %.20s...: %+v", e.Name, e)
		}
	}
}

func TestListenWhatStandsInTheWay(t *testing.T) {
	root := newRoot(t)
	dir := filepath.Join(root, "rpc%20control")
	listenOn(t, "port", Options{})
	listenOn(t, `\RPC Control\dir\port`, Options{})
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	stream, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(stream)
	if err := unix.Bind(stream, &unix.SockaddrUnix{Name: filepath.Join(dir, "stream")}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(stream, 1); err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	for _, name := range []string{"dir", "file", "link", "stream", `\RPC Control\port\x`, `\RPC Control\file\x`} {
		if _, err := Listen(mustParse(name), Options{}); !errors.Is(err, ErrInUse) || errors.Is(err, ErrNotFound) {
			t.Errorf("Listen on %s: got error %v, want ErrInUse alone", name, err)
		}
		if _, err := Connect(context.Background(), mustParse(name)); !errors.Is(err, ErrNotFound) {
			t.Errorf("Connect to %s: got error %v, want ErrNotFound", name, err)
		}
	}
	after := slices.DeleteFunc(files(t, dir), func(f string) bool { return strings.HasSuffix(f, ".lock") })
	before = slices.DeleteFunc(before, func(f string) bool { return strings.HasSuffix(f, ".lock") })
	if !slices.Equal(before, after) {
		t.Errorf("the directory has %q, had %q", after, before)
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
