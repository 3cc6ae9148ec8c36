package namespace

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

func TestRoots(t *testing.T) {
	needs.Root(t, "to act as a second user")
	system, tmp, run, given := filepath.Join(proctest.PublicDir(t), "lpc"), userDir(t, nobody), userDir(t, nobody), proctest.PublicDir(t)
	private := fmt.Sprint(tmp, "/lpc-", nobody)
	missing := filepath.Join(given, "no", "directory")
	for name, c := range map[string]struct {
		uid  uint32
		env  []string
		want roots
		mode os.FileMode
	}{
		"root":                  {0, nil, roots{system, "ok", []string{system}}, 0o755},
		"root has no other":     {0, []string{"XDG_RUNTIME_DIR=" + run}, roots{system, "ok", []string{system}}, 0o755},
		"LPC_ROOT":              {0, []string{"LPC_ROOT=" + given}, roots{given, "ok", []string{given}}, 0o755},
		"LPC_ROOT made":         {0, []string{"LPC_ROOT=" + given + "/new"}, roots{given + "/new", "ok", []string{given + "/new"}}, 0o755},
		"LPC_ROOT without base": {0, []string{"LPC_ROOT=" + missing}, roots{"", "other", []string{missing}}, 0},
		"LPC_ROOT relative":     {0, []string{"LPC_ROOT=lpc"}, roots{"", "untrusted", []string{"lpc"}}, 0},
		"LPC_ROOT of a user":    {0, []string{"LPC_ROOT=" + run}, roots{"", "untrusted", []string{run}}, 0},
		"user":                  {nobody, nil, roots{private, "ok", []string{private, system}}, 0o700},
		"user, XDG":             {nobody, []string{"XDG_RUNTIME_DIR=" + run}, roots{run + "/lpc", "ok", []string{run + "/lpc", system}}, 0o700},
		"user, XDG relative":    {nobody, []string{"XDG_RUNTIME_DIR=run"}, roots{private, "ok", []string{private, system}}, 0o700},
		"user, XDG closed":      {nobody, []string{"XDG_RUNTIME_DIR=" + given}, roots{"", "permission", []string{given + "/lpc", system}}, 0},
		"user, LPC_ROOT":        {nobody, []string{"LPC_ROOT=" + run + "/own"}, roots{run + "/own", "ok", []string{run + "/own"}}, 0o700},
		"user, root's LPC_ROOT": {nobody, []string{"LPC_ROOT=" + given}, roots{given, "ok", []string{given}}, 0o755},
	} {
		t.Run(name, func(t *testing.T) {
			env := append([]string{systemEnv + "=" + system, "LPC_ROOT=", "XDG_RUNTIME_DIR=", "TMPDIR=" + tmp}, c.env...)
			got := askRoots(t, start(t, "roots", asUser(c.uid), withEnv(env...)))
			if got.Listen != c.want.Listen || got.Kind != c.want.Kind || !slices.Equal(got.Search, c.want.Search) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if c.mode != 0 {
				if mode := perm(t, c.want.Listen); mode != c.mode {
					t.Errorf("the root has mode %04o, want %04o", mode, c.mode)
				}
			}
		})
	}
}

// A program with rights that its caller has not takes no root from the caller.
func TestSetIDProgramIgnoresEnvironment(t *testing.T) {
	needs.Root(t, "to act as a second user")
	binary := filepath.Join(proctest.PublicDir(t), "program")
	raw, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	given := userDir(t, nobody)
	for name, c := range map[string]struct {
		mode   os.FileMode
		uid    int // owner of the program
		search []string
	}{
		"plain":     {0o755, 0, []string{given}},
		"set-uid":   {0o755 | os.ModeSetuid, 0, []string{"/run/lpc"}},
		"other uid": {0o755 | os.ModeSetuid, nobody - 1, []string{fmt.Sprint("/tmp/lpc-", nobody-1), "/run/lpc"}},
		"set-gid":   {0o755 | os.ModeSetgid, 0, []string{fmt.Sprint("/tmp/lpc-", nobody), "/run/lpc"}},
	} {
		t.Run(name, func(t *testing.T) {
			_ = os.Remove(binary)
			for _, err := range []error{os.WriteFile(binary, raw, 0o755), os.Chown(binary, c.uid, 0), os.Chmod(binary, c.mode)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			var fs unix.Statfs_t
			if err := unix.Statfs(binary, &fs); err != nil || fs.Flags&unix.ST_NOSUID != 0 {
				needs.Missing(t, "needs a temporary directory that is not mounted nosuid: %s has flags %#x (%v)", binary, fs.Flags, err)
			}
			p := start(t, "search", asUser(nobody), withProgram(binary),
				withEnv("LPC_ROOT="+given, "XDG_RUNTIME_DIR="+given, "TMPDIR="+given))
			if got := askRoots(t, p); !slices.Equal(got.Search, c.search) {
				t.Errorf("got %q, want %q", got.Search, c.search)
			}
		})
	}
}

func TestReadAuxv(t *testing.T) {
	want, err := unix.Auxv()
	if err != nil {
		needs.Missing(t, "needs the auxiliary vector that the kernel gave this process: %v", err)
	}
	got := readAuxv()
	if len(want) == 0 || len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

func askRoots(t *testing.T, p *process) roots {
	t.Helper()
	line := p.line()
	var r roots
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatalf("the other process says %q: %v", line, err)
	}
	return r
}
