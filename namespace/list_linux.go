package namespace

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/security"
)

// List returns every port under the roots, usually those of [SearchRoots],
// sorted by name and then in the order of the roots. A root that is missing is
// empty. A root or directory that cannot be trusted or read is an entry with an
// Err, and so is a port that does not admit the caller: none is left out.
//
// Each socket is probed by a connection that is closed at once; its server sees
// a client that came and went. List's own error is ctx's, beside the entries
// that it had until then.
func List(ctx context.Context, roots []string) ([]Entry, error) {
	var entries []Entry
	var err error
	for _, root := range roots {
		w := walk{ctx: ctx, root: root}
		if err = w.top(); err != nil {
			err = fmt.Errorf("listing %s: %w", root, err)
		}
		entries = append(entries, w.entries...)
		if err != nil {
			break
		}
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Name.path, b.Name.path) })
	return entries, err
}

// walk gathers the entries of one root. Its methods' errors end it.
type walk struct {
	ctx     context.Context
	root    string
	entries []Entry
}

func (w *walk) top() error {
	d, err := openRoot(w.root)
	if err != nil {
		w.refused(w.root, err)
		return w.ctx.Err()
	}
	defer d.close()
	return w.directory(d, "")
}

// refused notes a directory, unless it is not there (any more).
func (w *walk) refused(path string, err error) {
	if !errors.Is(err, unix.ENOENT) {
		w.entries = append(w.entries, Entry{Path: path, Root: w.root, Err: err})
	}
}

// directory lists d, whose path below the root is rel, "" or with a slash last.
func (w *walk) directory(d *dir, rel string) error {
	names, err := d.names()
	if err != nil {
		w.refused(d.path, err)
	}
	for _, name := range names {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		// What has no name's path cannot be reached by a name: locks, sockets on
		// their way, files of others.
		n, err := FromPath(rel + name)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		if unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
			continue // gone since
		}
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFSOCK:
			w.socket(d, name, n, &st)
		case unix.S_IFDIR:
			err = w.below(d, name, rel)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) below(d *dir, name, rel string) error {
	c, err := d.child(name, false)
	if err != nil {
		w.refused(filepath.Join(d.path, name), err)
		return nil
	}
	defer c.close()
	return w.directory(c, rel+name+"/")
}

func (w *walk) socket(d *dir, name string, n Name, st *unix.Stat_t) {
	e := Entry{Name: n, Path: filepath.Join(d.path, name), Root: w.root, UID: st.Uid}
	c, err := d.connect(name)
	switch {
	case err == nil:
		id, err := security.FromSocket(c.fd)
		c.close()
		if err != nil {
			e.Err = fmt.Errorf("asking for the server of %s: %w", n.label(), err)
			break
		}
		// As of listen(2): that process listens for this socket.
		e.PID, e.UID = id.PID, id.UID
	case errors.Is(err, unix.ENOENT):
		return // gone since
	case errors.Is(err, errStale):
		e.Stale = true
	default:
		e.Err = fmt.Errorf("probing %s: %w", n.label(), err)
	}
	w.entries = append(w.entries, e)
}

// names reads the directory, for which O_PATH is not enough (open(2)).
func (d *dir) names() ([]string, error) {
	fd, err := openat(d.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("reading directory %s: %w", d.path, permission(err))
	}
	f := os.NewFile(uintptr(fd), d.path)
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		err = fmt.Errorf("reading directory %s: %w", d.path, err)
	}
	slices.SortFunc(names, strings.Compare)
	return names, err
}
