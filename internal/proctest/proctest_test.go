package proctest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var roles = map[string]func() error{
	// echo says its arguments and then what it is told.
	"echo": func() error {
		fmt.Println(strings.Join(os.Args[1:], " "))
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			fmt.Println("said", in.Text())
		}
		fmt.Println("end")
		return nil
	},
	"fail": func() error { return errors.New("so it is") },
	"hang": func() error {
		Watch("this role", time.Millisecond)
		select {}
	},
}

func TestMain(m *testing.M) {
	Run(roles)
	os.Exit(m.Run())
}

func TestChild(t *testing.T) {
	Watchdog(t, time.Minute)
	cmd := Command("echo")
	cmd.Args = append(cmd.Args, "a", "b c")
	c := Start(t, cmd)
	c.Expect(t, "a b c")
	c.Say(t, "hello")
	c.Expect(t, "said hello")
	if got := string(c.End(t)); got != "end\n" {
		t.Errorf("at its end it said %q", got)
	}
	c.Kill() // once more does no harm
}

// How a role ends is told by its status and its standard error.
func TestStatus(t *testing.T) {
	Watchdog(t, time.Minute)
	for role, want := range map[string]string{"fail": "fail: so it is\n", "none": `has no role "none"`, "hang": "this role hangs:\ngoroutine "} {
		cmd := Command(role)
		var said strings.Builder
		cmd.Stderr = &said
		status := map[string]int{"fail": 1}[role]
		if status == 0 {
			status = 2
		}
		if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != status || !strings.Contains(said.String(), want) {
			t.Errorf("%s: %v, %q; want status %d and %q", role, err, said.String(), status, want)
		}
	}
}

// The kernel writes a core file of a process that stands still. Cores, which takes gdb
// seconds, is tested by who uses it.
func TestCrash(t *testing.T) {
	Watchdog(t, time.Minute)
	cmd := Command("echo")
	MayDump(t, cmd)
	c := Start(t, cmd)
	c.Expect(t, "")
	c.Freeze(t)
	for _, path := range Crash(t, c) {
		b, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(b), "\x7fELF") {
			t.Errorf("%s begins with %.4q, %v", path, b, err)
		}
	}
}

func TestDescriptors(t *testing.T) {
	before := Descriptors()
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	during := Descriptors()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if after := Descriptors(); before == 0 || during != before+1 || after != before {
		t.Errorf("%d, with one more %d, afterwards %d", before, during, after)
	}
}
