//go:build cgo && linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/capitest"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// A server in C acts as two clients at once, each on its own thread: files are opened and
// made as the client. No thread of the Go runtime is born as one meanwhile, though the
// runtime needs new ones.
func TestImpersonation(t *testing.T) {
	needs.Root(t, "to act as other users")
	proctest.Watchdog(t, patience)
	root := proctest.PublicDir(t)
	dir := proctest.PublicDir(t)
	program := capitest.Program(t, "testdata/users.c")
	users := []int{50001, 50002} // ids that no account of this machine is likely to have
	if err := os.WriteFile(filepath.Join(dir, "secret"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, uid := range users {
		own := filepath.Join(dir, strconv.Itoa(uid))
		if err := errors.Join(os.Mkdir(own, 0o700), os.Chown(own, uid, uid)); err != nil {
			t.Fatal(err)
		}
	}
	command := func(args ...string) *exec.Cmd {
		cmd := exec.Command(program, args...)
		cmd.Env = append(os.Environ(), "LPC_ROOT="+root, "GOMAXPROCS=16")
		cmd.Stderr = os.Stderr
		return cmd
	}
	name := `\Users\C`
	server := proctest.Start(t, command("serve", name, dir))
	server.Expect(t, "ready")
	var clients []*proctest.Child
	for _, uid := range users {
		cmd := command("ask", name)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
		clients = append(clients, proctest.Start(t, cmd))
		server.Expect(t, "connected")
	}
	for _, c := range clients {
		c.Say(t, "")
	}
	as := "as the client that asked: secret: refused, own: made"
	want := []string{as, as, "threads that act as somebody: 2", "and at the end: 0"}
	if got := strings.Split(strings.TrimSpace(string(server.Wait(t))), "\n"); !slices.Equal(got, want) {
		t.Errorf("the server says %q, want %q", got, want)
	}
	for _, c := range clients {
		c.Expect(t, "answered")
		c.End(t)
	}
	for _, uid := range users {
		made := filepath.Join(dir, strconv.Itoa(uid), "made")
		if st, err := os.Stat(made); err != nil || st.Sys().(*syscall.Stat_t).Uid != uint32(uid) {
			t.Errorf("%s: %v", made, err)
		}
	}
}
