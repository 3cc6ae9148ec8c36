package snapshot

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// Save writes the pools of a view to a file that only its owner may read: it holds
// what processes wrote to each other. The file appears whole or not at all, in the
// place of an earlier one; a path that is no regular file (a pipe) is written to.
// It returns the file's size.
func Save(path string, v *lpcpool.View, i Info) (size int64, err error) {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return 0, fmt.Errorf("writing a snapshot: %w", err)
		}
		return fill(f, v, i)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return 0, fmt.Errorf("writing a snapshot: %w", err)
	}
	if size, err = fill(f, v, i); err == nil {
		if err = os.Rename(f.Name(), path); err != nil {
			err = fmt.Errorf("writing a snapshot: %w", err)
		}
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return size, err
}

// fill writes f, and closes it.
func fill(f *os.File, v *lpcpool.View, i Info) (int64, error) {
	c := &counter{f: f}
	w := bufio.NewWriterSize(c, 1<<16)
	err := Write(w, v, i)
	if err == nil {
		err = w.Flush()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return c.n, err
	}
	return c.n, nil
}

type counter struct {
	f *os.File
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.f.Write(b)
	c.n += int64(n)
	return n, err
}
