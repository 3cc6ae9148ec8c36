package live

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// userHZ is the unit of times in /proc/PID/stat: 100 a second on every processor
// that Linux shows to programs (proc(5), sysconf(_SC_CLK_TCK)).
const userHZ = 100

// stat is a field of /proc/PID/stat, counted from 1 as in proc(5); "" where it
// cannot be read.
func stat(pid, field int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The program's name, field 2, may hold anything: the rest is behind the last ')'.
	rest := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if i := field - 3; i >= 0 && i < len(rest) {
		return rest[i]
	}
	return ""
}

func startTicks(pid int) uint64 {
	n, _ := strconv.ParseUint(stat(pid, 22), 10, 64)
	return n
}

func parent(pid int) uint32 {
	n, _ := strconv.ParseUint(stat(pid, 4), 10, 32)
	return uint32(n)
}

// command is the process's name, which everybody may read.
func command(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSuffix(string(b), "\n")
}

// started is when the process was started, the zero time when that cannot be read.
func started(pid int) time.Time {
	ticks, boot := startTicks(pid), bootTime()
	if ticks == 0 || boot == 0 || ticks > 1<<40 {
		return time.Time{}
	}
	return time.Unix(boot+int64(ticks/userHZ), int64(ticks%userHZ)*int64(time.Second/userHZ))
}

// bootTime is when the machine was started, seconds since 1970.
var bootTime = sync.OnceValue(func() int64 {
	b, _ := os.ReadFile("/proc/stat")
	for line := range strings.Lines(string(b)) {
		if text, ok := strings.CutPrefix(line, "btime "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			return n
		}
	}
	return 0
})

// innerPID is the process's number in its own pid namespace: the one that its pool
// carries.
func innerPID(pid int) uint32 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(b)) {
		if text, ok := strings.CutPrefix(line, "NSpid:"); ok {
			f := strings.Fields(text)
			if len(f) == 0 {
				break
			}
			if n, err := strconv.ParseUint(f[len(f)-1], 10, 32); err == nil {
				return uint32(n)
			}
		}
	}
	return uint32(pid)
}

// placed finds the index of extents whose header is damaged, by where the process
// has mapped them: extents lie in a row.
func placed(pid int, damaged []*file, whole map[uint32]lpcpool.Bytes) map[uint32]*file {
	found := map[uint32]*file{}
	if len(damaged) == 0 {
		return found
	}
	at := mappings(pid)
	base, known := uint64(0), false
	for i, b := range whole {
		if start := at[b.(*file).inode]; start != 0 && start > uint64(i)*pool.ExtentSize {
			base, known = start-uint64(i)*pool.ExtentSize, true
		}
	}
	for _, f := range damaged {
		if start := at[f.inode]; !known && start != 0 && (base == 0 || start < base) {
			base = start
		}
	}
	for _, f := range damaged {
		start := at[f.inode]
		if start == 0 || start < base || (start-base)%pool.ExtentSize != 0 || (start-base)/pool.ExtentSize >= 1<<16 {
			continue
		}
		if i := uint32((start - base) / pool.ExtentSize); whole[i] == nil && found[i] == nil {
			found[i] = f
		}
	}
	return found
}

// mappings are the start addresses of a process's mapped pool extents by inode.
func mappings(pid int) map[uint64]uint64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	at := map[uint64]uint64{}
	for line := range strings.Lines(string(b)) {
		// address perms offset dev inode path (proc(5))
		f := strings.Fields(line)
		if len(f) < 6 || strings.Join(f[5:], " ") != pool.Link || !strings.HasPrefix(f[1], "rw") {
			continue // a debugger in that process maps its pool to read it
		}
		from, _, _ := strings.Cut(f[0], "-")
		start, err1 := strconv.ParseUint(from, 16, 64)
		inode, err2 := strconv.ParseUint(f[4], 10, 64)
		if err1 == nil && err2 == nil {
			at[inode] = start
		}
	}
	return at
}
