//go:build !linux

package ntdump

import (
	"errors"
	"os"
)

// nextData is not known here.
func nextData(*os.File, int64) (start, stop int64, err error) { return 0, 0, errors.ErrUnsupported }
