package ntdump

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// nextData is the next stretch of a file that is no hole (lseek(2), SEEK_DATA).
func nextData(f *os.File, from int64) (start, stop int64, err error) {
	start, err = unix.Seek(int(f.Fd()), from, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) {
		return 0, 0, errNoData
	}
	if err != nil {
		return 0, 0, err
	}
	stop, err = unix.Seek(int(f.Fd()), start, unix.SEEK_HOLE)
	return start, stop, err
}
