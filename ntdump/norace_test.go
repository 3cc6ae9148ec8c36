//go:build !race

package ntdump

const raceEnabled = false
