package model

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// A check is one run of spin.
type check struct {
	model   string
	defines string // -D options
	want    string // "" clean, else what the checker must complain of
}

// What a checker complains of.
const (
	hangs  = "invalid end state"
	broken = "assertion violated"
)

// Clean runs first: a mutant says nothing about a model that is not clean itself.
var checks = []check{
	{"park", "", ""},
	{"park", "NOLOOK_CALLER", hangs},
	{"park", "NOLOOK_RECV", hangs},
	{"park", "NOLOOK_ARM", hangs},
	{"park", "NOFENCE_CALLER", hangs},
	{"park", "NOFENCE_RECV", hangs},
	{"park", "NOFENCE_ARM", hangs},
	{"park", "NOFENCE_PUBLISH", hangs},
	{"park", "NOFENCE_REPLY", hangs},
	{"park", "LOOKFIRST_CALLER", hangs},
	{"park", "LOOKFIRST_RECV", hangs},
	{"park", "LOOKFIRST_ARM", hangs},
	{"park", "NOCTX", hangs},

	{"slot", "", ""},
	{"slot", "HANGUP", ""},
	{"slot", "LATE", ""},
	{"slot", "LATE NOGEN", broken},
	{"slot", "LATE NOUSE", broken},
	{"slot", "NOCAS", broken},
	{"slot", "HANGUP NOCAS", broken},
	{"slot", "NOCAS_REPLY", broken},
	{"slot", "NOGIVE", broken},
	{"slot", "NOGIVE_UNTAKEN", broken},
	{"slot", "NOHOLD", broken},
	{"slot", "TWO_RECLAIM", broken},
	{"slot", "NOTICE", hangs},

	{"take", "", ""},
	{"take", "NOPASS", hangs},
	{"take", "NOLOOK", hangs},

	{"ahead", "", ""},
	{"ahead", "NOPOS", broken},
	{"ahead", "NOAHEAD", broken},
	{"ahead", "NOENTRY", broken},
	{"ahead", "SMALL", broken},
	{"ahead", "NOGIVENUP", broken},
	{"ahead", "STALE", broken},

	{"drain", "", ""},
	{"drain", "SLOW HINTS=1", ""},
	{"drain", "SLOW HINTS=1 CALLS=2", ""},
	{"drain", "SLOW HOLES", ""},
	{"drain", "SLOW BELL", ""},
	{"drain", "CANCEL", ""},
	{"drain", "SLOW HINTS=1 NOLOOK", hangs},
	{"drain", "SLOW HINTS=1 LOOKFIRST", hangs},
	{"drain", "SLOW HINTS=1 NOLOOK_F", hangs},
	{"drain", "SLOW HINTS=1 LEAVE", broken},
	{"drain", "SLOW HINTS=1 NOSCAN", hangs},
	{"drain", "SLOW HINTS=1 NOSIGNAL", hangs},
	{"drain", "SLOW HINTS=1 NOSKIP", broken},
	{"drain", "SLOW HINTS=1 LATEHEAD", hangs},
	{"drain", "CANCEL NOKICK", hangs},

	{"role", "", ""},
	{"role", "OTHER", ""},
	{"role", "OTHER ARMS", ""},
	{"role", "OTHER BATCH", ""},
	{"role", "ONCE", broken},
	{"role", "NORECHECK", broken},
	{"role", "AWAKE_ONLY", broken},
	{"role", "ENTERED_LATE", broken},
	{"role", "NOCAS_RETURN", broken},
	{"role", "NOCAS_REPLACE", broken},
	{"role", "OTHER LATE_STATE", broken},
	{"role", "OTHER NOLOOKING", broken},
	{"role", "OTHER BATCH NOWAITING", broken},
}

func TestModels(t *testing.T) {
	if os.Getenv("LPC_MODEL") != "1" {
		needs.Elsewhere(t, "make model (the models take minutes to check)")
	}
	spin, cc := tools(t)
	for _, c := range checks {
		t.Run(strings.Join(append([]string{c.model}, strings.Fields(c.defines)...), "/"), func(t *testing.T) {
			out := c.run(t, spin, cc)
			bad := regexp.MustCompile(`(?m)^pan:1: (.*)$`).FindSubmatch(out)
			switch {
			case !bytes.Contains(out, []byte("errors: ")):
				t.Fatalf("the check did not end:\n%s", out)
			case bytes.Contains(out, []byte("MEMLIM")) || bytes.Contains(out, []byte("max search depth too small")):
				t.Fatalf("the check was not exhaustive:\n%s", out)
			case c.want == "" && bad != nil:
				t.Fatalf("%s; to see how: spin -a %s %s.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan; spin -t -p -g -l %[2]s %[3]s.pml\n%s",
					bad[1], dashD(c.defines), c.model, out)
			case c.want != "" && bad == nil:
				t.Fatalf("the check did not notice:\n%s", out)
			case c.want != "" && !bytes.Contains(bad[1], []byte(c.want)):
				t.Fatalf("the check found %q, want %q", bad[1], c.want)
			}
			states := regexp.MustCompile(`(\d+) states, stored`).FindSubmatch(out)
			if states == nil {
				t.Fatalf("no number of states:\n%s", out)
			}
			t.Logf("%s states, %s", states[1], elapsed(out))
		})
	}
}

// tools finds spin and a C compiler.
func tools(t *testing.T) (spin, cc string) {
	t.Helper()
	spin = needs.Tool(t, "spin", "spin")
	for _, name := range []string{os.Getenv("CC"), "cc", "gcc", "clang"} {
		if cc, err := exec.LookPath(name); err == nil && name != "" {
			return spin, cc
		}
	}
	needs.Missing(t, "there is no C compiler: neither $CC nor cc, gcc or clang is installed (Debian package gcc)")
	return "", ""
}

func dashD(defines string) string {
	f := strings.Fields(defines)
	for i := range f {
		f[i] = "-D" + f[i]
	}
	return strings.Join(f, " ")
}

// run makes the checker of one model and runs it.
func (c check) run(t *testing.T, spin, cc string) []byte {
	t.Helper()
	src, err := filepath.Abs(c.model + ".pml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	command(t, dir, spin, append(strings.Fields(dashD(c.defines)), "-a", src)...)
	optimize := "-O1"
	if c.want != "" {
		optimize = "-O0" // a mutant is caught sooner than code is made fast
	}
	// SAFETY: no acceptance cycles. MEMLIM, in MiB, ends a run that would not fit.
	command(t, dir, cc, optimize, "-w", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=900", "-o", "pan", "pan.c")
	return command(t, dir, "./pan", "-m200000")
}

// watchdog ends a tool that hangs; it is no measure of what is quick enough.
const watchdog = 10 * time.Minute

func command(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	timer := time.AfterFunc(watchdog, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	out, err := cmd.CombinedOutput()
	if ee := (*exec.ExitError)(nil); err != nil && !(name == "./pan" && errors.As(err, &ee)) {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return out
}

func elapsed(out []byte) string {
	if m := regexp.MustCompile(`elapsed time (\S+ seconds)`).FindSubmatch(out); m != nil {
		return string(m[1])
	}
	return "no time told"
}
