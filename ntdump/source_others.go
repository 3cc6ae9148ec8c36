//go:build !linux

package ntdump

import "os"

// mapFile maps nothing here: the file is read by calls.
func mapFile(*os.File, int64) source { return nil }
