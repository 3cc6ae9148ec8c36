package namespace

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// systemRoot is root's, where all look. A variable for the tests alone.
var systemRoot = "/run/lpc"

// ListenRoot returns the root that the caller listens in, see the package's doc,
// after it has made it if it was missing (0755 for root, else 0700; the
// directory it stands in must exist) and checked it. [Listen] needs no call of
// it; it is for messages, and for who wants to know early.
func ListenRoot() (string, error) {
	path, own := environmentRoot()
	if !own {
		path = ownRoot()
	}
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("reading $LPC_ROOT: %w: the path %q is relative, expected an absolute one", ErrUntrustedRoot, path)
	}
	if err := makeDir(unix.AT_FDCWD, path, rootPerm()); err != nil {
		return "", fmt.Errorf("making root %s: %w", path, err)
	}
	d, err := openRoot(path)
	if err != nil {
		return "", err
	}
	d.close()
	return path, nil
}

// SearchRoots returns the roots in which the caller looks for a name, in order,
// without a look at the file system: $LPC_ROOT alone when set, else the caller's
// own and then /run/lpc.
func SearchRoots() []string {
	if path, set := environmentRoot(); set {
		return []string{path}
	}
	if own := ownRoot(); own != systemRoot {
		return []string{own, systemRoot}
	}
	return []string{systemRoot}
}

// rootFor returns where the caller listens for n: in the system's root if the
// directory of n there was made for the caller, else in ListenRoot.
func rootFor(n Name) (string, error) {
	if _, set := environmentRoot(); !set && unix.Geteuid() != 0 && delegated(n) {
		return systemRoot, nil
	}
	return ListenRoot()
}

// delegated reports whether a directory of n under the system's root belongs to
// the caller. Every error means no: the caller's own root says more.
func delegated(n Name) bool {
	d, err := openRoot(systemRoot)
	if err != nil {
		return false
	}
	defer func() { d.close() }()
	dirs, _ := n.components()
	for _, name := range dirs {
		c, err := d.child(name, true)
		if err != nil {
			return false
		}
		d.close()
		d = c
		if d.owner == uint32(unix.Geteuid()) {
			return true
		}
	}
	return false
}

func environmentRoot() (path string, set bool) {
	if secure() {
		return "", false
	}
	path = os.Getenv("LPC_ROOT")
	return path, path != ""
}

// ownRoot is the root that the caller listens in without $LPC_ROOT. A relative
// $XDG_RUNTIME_DIR counts as none, as its specification says.
func ownRoot() string {
	uid := unix.Geteuid()
	if uid == 0 {
		return systemRoot
	}
	name := "lpc-" + strconv.Itoa(uid)
	if secure() {
		return filepath.Join("/tmp", name)
	}
	if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		return filepath.Join(run, "lpc")
	}
	return filepath.Join(os.TempDir(), name)
}

func rootPerm() uint32 {
	if unix.Geteuid() == 0 {
		return 0o755
	}
	return 0o700
}

// secure reports whether the program has rights that its caller has not
// (getauxval(3), AT_SECURE), so that the environment is not to be believed. If
// the kernel's answer cannot be had, it is the cautious one.
func secure() bool {
	vector, err := unix.Auxv()
	if err != nil {
		vector = readAuxv() // some build modes, such as c-shared, keep no copy
	}
	const atSecure = 23
	for _, pair := range vector {
		if pair[0] == atSecure {
			return pair[1] != 0
		}
	}
	return true
}

// readAuxv reads the vector from proc_pid_auxv(5): pairs of machine words. A
// set-id program may not read its own.
func readAuxv() [][2]uintptr {
	raw, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		return nil
	}
	const word = strconv.IntSize / 8
	var vector [][2]uintptr
	for ; len(raw) >= 2*word; raw = raw[2*word:] {
		vector = append(vector, [2]uintptr{machineWord(raw), machineWord(raw[word:])})
	}
	return vector
}

func machineWord(b []byte) uintptr {
	if strconv.IntSize == 32 {
		return uintptr(binary.NativeEndian.Uint32(b))
	}
	return uintptr(binary.NativeEndian.Uint64(b))
}
