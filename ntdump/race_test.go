//go:build race

package ntdump

// raceEnabled makes long loops shorter under the race detector.
const raceEnabled = true
