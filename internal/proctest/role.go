package proctest

import (
	"fmt"
	"os"
	"os/exec"
)

// RoleEnv is the environment variable with a process's role.
const RoleEnv = "LPC_TEST_ROLE"

// emulatorEnv names a program that runs this binary, which is another processor's.
const emulatorEnv = "LPC_TEST_EMULATOR"

// Emulated reports whether this process runs under an emulator of its processor, which
// does not hand on all that the kernel says.
func Emulated() bool { return os.Getenv(emulatorEnv) != "" }

// Run ends the process if it has a role, when that is played: with status 0, or with 1
// and the error on standard error. It returns where the process has none.
func Run(roles map[string]func() error) {
	name := os.Getenv(RoleEnv)
	if name == "" {
		return
	}
	mayDump()
	role := roles[name]
	if role == nil {
		fmt.Fprintf(os.Stderr, "%s has no role %q\n", os.Args[0], name)
		os.Exit(2)
	}
	if err := role(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Command is this binary in a role, with this process's environment and env. What it says
// on standard error is the test's. The role finds arguments that are appended to the
// command's Args in os.Args.
func Command(role string, env ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	if Emulated() {
		cmd = exec.Command(os.Getenv(emulatorEnv), os.Args[0])
	}
	cmd.Env = append(append(os.Environ(), RoleEnv+"="+role), env...)
	cmd.Stderr = os.Stderr
	return cmd
}
