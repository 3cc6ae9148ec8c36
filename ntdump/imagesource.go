package ntdump

import (
	"errors"
	"io"
	"os"
)

// scanSource is what a search for the kernel reads: each byte at most once, in order.
type scanSource interface {
	io.ReaderAt
	// data is the next stretch from an offset on, up to end, that may hold something
	// but zeros; ok is false when there is none.
	data(from, end int64) (start, stop int64, ok bool)
}

// whole is a source that knows no holes.
type whole struct{ io.ReaderAt }

func (whole) data(from, end int64) (start, stop int64, ok bool) { return from, end, from < end }

// holes is a file whose system may tell which parts were never written.
type holes struct{ *os.File }

func (h holes) data(from, end int64) (start, stop int64, ok bool) {
	if from >= end {
		return 0, 0, false
	}
	start, stop, err := nextData(h.File, from)
	switch {
	case errors.Is(err, errNoData):
		return 0, 0, false
	case err != nil: // a file system that does not tell
		return from, end, true
	}
	return start, min(stop, end), start < end
}

// errNoData is nextData's answer where nothing but a hole follows.
var errNoData = errors.New("no data up to the end of the file")
