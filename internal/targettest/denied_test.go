package targettest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/target/live"
)

const nobody = 65534

func init() {
	roles["open server"] = func() error {
		for name, o := range map[string]*lpc.ListenOptions{"open": {AllowEveryone: true}, "closed": nil} {
			if _, err := lpc.Listen(name, o); err != nil {
				return err
			}
		}
		return untilInputEnds()
	}
	roles["look"] = look
}

// look prints what the process may see.
func look() error {
	l, err := live.Open(0)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	for range 2 { // the second time from what is known already
		if err := l.Refresh(); err != nil {
			return err
		}
	}
	for p := range l.Processes() {
		fmt.Printf("process %d %v\n", p.ID, p.Err)
	}
	ports, _ := l.Ports()
	for o := range ports {
		fmt.Printf("port %s of %d %v\n", o.Path, o.Process>>40, o.Err)
	}
	for o := range l.Names("RPC Control") {
		fmt.Printf("name %s %v\n", o.Name, o.Err)
	}
	if n, err := l.ReadMemory(uint64(os.Getppid())<<40, make([]byte, 1)); n != 0 || err == nil {
		return fmt.Errorf("memory of no pool was read")
	}
	return nil
}

// TestDenied: what a caller may not read is named with the reason.
func TestDenied(t *testing.T) {
	watchdog(t)
	needs.Root(t, "to be somebody else")
	root := os.Getenv("LPC_ROOT")
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	c := start(t, "open server")
	// A copy of this binary in a directory that others can reach.
	dir, err := os.MkdirTemp("", "lpc-look")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	self, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "look"), self, 0o755)
	}
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "look"))
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "LPC_TEST_ROLE=look")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("as nobody: %v\n%s", err, out)
	}
	why := fmt.Sprintf("process %d may not be read: no right to ptrace it, or it is not dumpable", c.PID())
	for _, want := range []string{
		fmt.Sprintf("process %d %s\n", c.PID(), why),
		fmt.Sprintf(`port \RPC Control\open of %d %s`+"\n", c.PID(), why),
		`port \rpc control\closed of 0 who listens is not known: `,
		"name open " + why + "\n",
		"name closed who listens is not known: ",
	} {
		if !strings.Contains(strings.ToLower(string(out)), strings.ToLower(want)) {
			t.Errorf("it is not said: %s\nsaid:\n%s", want, out)
		}
	}
	if n := strings.Count(string(out), "\n"); n != 5 {
		t.Errorf("%d lines, want 5:\n%s", n, out)
	}
}
