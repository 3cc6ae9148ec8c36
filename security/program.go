package security

import (
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ProgramName returns the name that the process with this pid shows in
// /proc/PID/comm (proc_pid_comm(5)), "" if that cannot be read. It is a label
// only: a process may call itself what it likes, and the pid may be another
// process's by now. Whatever could disturb a terminal (control characters,
// bytes that are not UTF-8) is written as \xNN.
func ProgramName(pid int) string {
	if pid <= 0 {
		return ""
	}
	comm, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return ""
	}
	return printable(strings.TrimSuffix(string(comm), "\n"))
}

func printable(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || !unicode.IsPrint(r) {
			for _, c := range []byte(s[i : i+n]) {
				const hex = "0123456789abcdef"
				b.WriteString(`\x` + string(hex[c>>4]) + string(hex[c&15]))
			}
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}
