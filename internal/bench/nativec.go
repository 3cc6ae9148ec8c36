package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Rounds of the C program, each of so many calls.
const (
	cRounds = "400"
	cCalls  = "1000"
)

// nativeC runs examples/c/bench.c's program, which calls from C between two processes, and
// says what it takes beside Conn.Call in the same run. env is what the other processes run
// with.
func nativeC(ctx context.Context, program string, env []string, lines []*line) (note string, err error) {
	i := slices.IndexFunc(lines, func(l *line) bool { return l.system == "lpc" && l.item.name == "call/32" && l.placement == free })
	if i < 0 {
		return "", fmt.Errorf("--c compares with call/32, placement free, which was not measured")
	}
	cmd := exec.CommandContext(ctx, program, cCalls, "32", cRounds)
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("running %s: %w: %s", program, err, bytes.TrimSpace(stderr.Bytes()))
	}
	took, err := cTimes(string(out))
	if err != nil {
		return "", fmt.Errorf("running %s: %w", program, err)
	}
	us, base := took[len(took)/2]/1000, lines[i]
	return fmt.Sprintf("call/32, placement free: NtRequestWaitReplyPort from C takes %.2f times Conn.Call (median of %s rounds %.3f against %.3f µs)",
		us/base.figure(p50US), cRounds, us, base.figure(p50US)), nil
}

// cTimes reads what the program prints, ns a call for each round, in order of size.
func cTimes(out string) (ns []float64, err error) {
	for text := range strings.Lines(out) {
		var n int
		var t float64
		if _, err := fmt.Sscanf(text, "%d bytes: %f ns per call", &n, &t); err != nil {
			return nil, fmt.Errorf("it said %q, want \"32 bytes: N ns per call\"", strings.TrimSpace(text))
		}
		ns = append(ns, t)
	}
	if len(ns) == 0 {
		return nil, fmt.Errorf("it said nothing")
	}
	slices.Sort(ns)
	return ns, nil
}
