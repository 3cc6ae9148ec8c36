package ntdump

import (
	"fmt"
	"io"
	"os"
)

// source is an open dump: bytes at offsets, and how to let go of them.
type source interface {
	io.ReaderAt
	io.Closer
}

// openFile opens a dump for reading: mapped where that works, else by read calls.
// Both give the same bytes.
func openFile(path string) (source, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		_ = f.Close() // the first error is the one to tell
		return nil, 0, err
	}
	if !st.Mode().IsRegular() {
		_ = f.Close()
		return nil, 0, fmt.Errorf("%s is %s, expected a dump file", path, kindOf(st.Mode()))
	}
	if m := mapFile(f, st.Size()); m != nil {
		return m, st.Size(), nil
	}
	return f, st.Size(), nil
}

func kindOf(m os.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&os.ModeNamedPipe != 0:
		return "a pipe"
	case m&os.ModeDevice != 0:
		return "a device"
	}
	return "no regular file"
}
