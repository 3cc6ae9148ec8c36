//go:build !linux

package load

// CPUSeconds is not known here.
func CPUSeconds() float64 { return 0 }
