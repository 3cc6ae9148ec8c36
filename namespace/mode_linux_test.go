package namespace

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// Whatever the umask, the directory and the socket have the modes that they
// should, and until the socket has its name nobody but the owner can connect.
func TestModeWhateverUmask(t *testing.T) {
	needs.Root(t, "to act as a second user")
	for _, umask := range []int{0, 0o022, 0o077, 0o777} {
		root := newRoot(t)
		old := unix.Umask(umask)
		t.Cleanup(func() { unix.Umask(old) })

		hidden := filepath.Join(root, "dir", newFile("spool"))
		seen := 0
		hook(t, func(step string) {
			switch step {
			case "bound", "listening", "opened":
				seen++
				if got := perm(t, hidden); got&^0o600 != 0 {
					t.Errorf("umask %03o: at %s the socket has mode %04o", umask, step, got)
				}
			}
			if step == "listening" {
				if got := run(t, "touch "+hidden, asUser(nobody)); !strings.HasPrefix(got, "EACCES") {
					t.Errorf("umask %03o: another user at %s: %q, want EACCES", umask, step, got)
				}
			}
		})
		for want, o := range map[fs.FileMode]Options{0o600: {}, 0o666: {Mode: 0o666}, 0o622: {Mode: 0o022}} {
			l := listenOn(t, `\dir\spool`, o)
			if got := perm(t, l.Path()); got != want {
				t.Errorf("umask %03o, option %04o: the socket has mode %04o, want %04o", umask, o.Mode, got, want)
			}
			word := "permission"
			if want&0o002 != 0 {
				word = "ok"
			}
			if got := run(t, `connect \dir\spool`, asUser(nobody)); !strings.HasPrefix(got, word+" ") {
				t.Errorf("umask %03o, option %04o: another user: %q, want %s", umask, o.Mode, got, word)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
		unix.Umask(old)
		if seen != 9 {
			t.Errorf("looked %d times, want 9", seen)
		}
		if got := perm(t, filepath.Join(root, "dir")); got != 0o755 {
			t.Errorf("umask %03o: the directory has mode %04o, want that of the root, 0755", umask, got)
		}
	}
}

func TestDirectoriesAreLikeTheirParent(t *testing.T) {
	root := newRoot(t)
	if err := os.Chmod(root, 0o700); err != nil {
		t.Fatal(err)
	}
	listenOn(t, `\a\b\port`, Options{})
	for _, dir := range []string{"a", "a/b"} {
		if got := perm(t, filepath.Join(root, dir)); got != 0o700 {
			t.Errorf("%s has mode %04o, want 0700", dir, got)
		}
	}
}

func perm(t *testing.T, path string) fs.FileMode {
	t.Helper()
	st, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Mode().Perm()
}
