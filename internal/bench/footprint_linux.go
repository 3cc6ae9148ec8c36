package bench

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// footprintOf looks at a process's memory (proc_pid_smaps(5)) and descriptors.
func footprintOf(pid int) (f footprint, err error) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	rollup, err := os.ReadFile(dir + "smaps_rollup")
	if err != nil {
		return f, err
	}
	for line := range strings.Lines(string(rollup)) {
		if kb, ok := smapsKB(line, "Rss:"); ok {
			f.residentKB = kb
		}
		if kb, ok := smapsKB(line, "Pss:"); ok {
			f.proportionalKB = kb
		}
	}
	if f.sharedKB, err = memfdKB(dir + "smaps"); err != nil {
		return f, err
	}
	names, err := os.ReadDir(dir + "fd")
	f.descriptors = float64(len(names))
	return f, err
}

// memfdKB adds the resident size of all mappings of memfds.
func memfdKB(path string) (kb float64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }() // read only
	scan := bufio.NewScanner(file)
	memfd := false
	for scan.Scan() {
		line := scan.Text()
		// A mapping starts "7f...-7f... rw-s 0 00:01 5 /memfd:name (deleted)",
		// its fields "Name:".
		if first, _, _ := strings.Cut(line, " "); !strings.HasSuffix(first, ":") {
			memfd = strings.Contains(line, "/memfd:")
		} else if n, ok := smapsKB(line, "Rss:"); ok && memfd {
			kb += n
		}
	}
	return kb, scan.Err()
}

// smapsKB reads a line such as "Rss:     120 kB".
func smapsKB(line, field string) (float64, bool) {
	rest, ok := strings.CutPrefix(line, field)
	if !ok {
		return 0, false
	}
	kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
	return kb, err == nil
}

// cpuOf returns the CPU seconds of a process so far without waking it: the
// clock of another process is ((~pid) << 3) | 2, see clock_getcpuclockid(3).
func cpuOf(pid int) (float64, error) {
	const cpuclockSched = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|cpuclockSched), &ts); err != nil {
		return 0, fmt.Errorf("reading the CPU clock of process %d: %w", pid, err)
	}
	return float64(ts.Nano()) / 1e9, nil
}

// isTerminal tells whether a descriptor is a terminal.
func isTerminal(fd uintptr) bool {
	_, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
	return err == nil
}
