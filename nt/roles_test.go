package nt

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

func TestMain(m *testing.M) {
	proctest.Run(map[string]func() error{"ask": ask, "serve": serveOnce})
	os.Exit(proctest.InOwnRoot(m))
}

// Ids that no account of this machine is likely to have.
const (
	alice = 50001
	bob   = 50002
	staff = 50010
)

// ask is a client: PORT LEVEL TRACKING TYPE [UID]. It sends one request of that type, and
// tells how it ended. With a UID its thread takes that id once it has connected.
func ask() error {
	th, err := NewThread()
	if err != nil {
		return err
	}
	var n [3]int
	for i := range n {
		if n[i], err = strconv.Atoi(os.Args[2+i]); err != nil {
			return err
		}
	}
	var h Handle
	q := &SecurityQualityOfService{Length: 12, ImpersonationLevel: uint32(n[0]), ContextTrackingMode: uint8(n[1])}
	if s := th.NtConnectPort(&h, &os.Args[1], q, nil, nil, nil, nil, nil); s != StatusSuccess {
		fmt.Println(s)
		return nil
	}
	if len(os.Args) > 5 {
		uid, err := strconv.Atoi(os.Args[5])
		if err != nil {
			return err
		}
		runtime.LockOSThread()
		for _, call := range []struct{ number, id uintptr }{{unix.SYS_SETRESGID, staff}, {unix.SYS_SETRESUID, uintptr(uid)}} {
			if _, _, e := unix.RawSyscall(call.number, ^uintptr(0), call.id, ^uintptr(0)); e != 0 {
				return e
			}
		}
	}
	var m Message
	m.SetData([]byte("who am I?"))
	m.Type = uint16(n[2])
	fmt.Println(th.NtRequestWaitReplyPort(h, &m, &m))
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // the connection stays until we are told
	return nil
}

// serveOnce is a server that may not take others' ids: PORT. It impersonates the first
// client and tells what came of it.
func serveOnce() error {
	th, err := NewThread()
	if err != nil {
		return err
	}
	var ccp, scp Handle
	oa := ObjectAttributes{ObjectName: &os.Args[1], SecurityDescriptor: everyone}
	if s := th.NtCreatePort(&ccp, &oa, 0, MaxMessageLength, 0); s != StatusSuccess {
		return s
	}
	fmt.Println("listening")
	var m Message
	for _, s := range []func() Status{
		func() Status { return th.NtListenPort(ccp, &m) },
		func() Status { return th.NtAcceptConnectPort(&scp, 0, &m, true, nil, nil) },
		func() Status { return th.NtCompleteConnectPort(scp) },
		func() Status { return th.NtReplyWaitReceivePort(scp, nil, nil, &m) },
	} {
		if s := s(); s != StatusSuccess {
			return s
		}
	}
	s := th.NtImpersonateClientOfPort(scp, &m)
	fmt.Println(s, th.Token().Identity().UID, th.Token().Level(), unix.Geteuid())
	m.SetData(nil)
	return th.NtReplyPort(scp, &m).Err()
}

// as is this binary in a role as another user.
func as(t testing.TB, uid, gid uint32, groups []uint32, role string, args ...any) *proctest.Child {
	t.Helper()
	cmd := proctest.Command(role)
	for _, a := range args {
		cmd.Args = append(cmd.Args, fmt.Sprint(a))
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid, Groups: groups}}
	return proctest.Start(t, cmd)
}

func needsUsers(t testing.TB) string {
	t.Helper()
	needs.Root(t, "to start processes as other users")
	if proctest.Emulated() {
		needs.Elsewhere(t, "the test on this machine's own processor")
	}
	dir := proctest.PublicDir(t)
	t.Setenv("LPC_ROOT", dir)
	return dir
}
