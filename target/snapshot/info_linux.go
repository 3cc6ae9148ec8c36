package snapshot

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Here is the Info of this machine and moment.
func Here() Info {
	i := Info{Taken: time.Now()}
	var u unix.Utsname
	if err := unix.Uname(&u); err == nil {
		text := unix.ByteSliceToString
		i.System, i.Host, i.Release, i.Machine = text(u.Sysname[:]), text(u.Nodename[:]), text(u.Release[:]), text(u.Machine[:])
	}
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		i.BootID = strings.TrimSpace(string(b))
	}
	return i
}
