package nt

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/proctest"
	"github.com/seed-eedd8485/lpc/security"
	"github.com/seed-eedd8485/lpc/security/access"
)

// everyone is a descriptor with a NULL DACL.
var everyone = &access.Descriptor{Control: access.DACLPresent}

// A guest is a client process in the middle of its request.
type guest struct {
	*proctest.Child
	scp Handle
	m   Message
}

// asks has a client connect and ask, and gives its request.
func asks(t *testing.T, s *Thread, ccp Handle, start func() *proctest.Child) *guest {
	t.Helper()
	g := &guest{Child: start()}
	g.m, _ = receive(t, s, ccp)
	must(t, s.NtAcceptConnectPort(&g.scp, 0, &g.m, true, nil, nil))
	must(t, s.NtCompleteConnectPort(g.scp))
	g.m, _ = receive(t, s, g.scp)
	t.Cleanup(func() { s.NtClose(g.scp) })
	return g
}

// answered replies to the guest, which then ends.
func (g *guest) answered(t *testing.T, s *Thread) {
	t.Helper()
	g.m.SetData(nil)
	must(t, s.NtReplyPort(g.scp, &g.m))
	g.Expect(t, "STATUS_SUCCESS")
	g.End(t)
}

func listens(t *testing.T, s *Thread) (ccp Handle, name string) {
	t.Helper()
	name = `\Users\` + filepath.Base(t.Name())
	must(t, s.NtCreatePort(&ccp, &ObjectAttributes{ObjectName: &name, SecurityDescriptor: everyone}, 0, MaxMessageLength, 0))
	t.Cleanup(func() { s.NtClose(ccp) })
	return
}

func revert(t *testing.T, s *Thread) {
	t.Helper()
	must(t, s.NtSetInformationThread(CurrentThreadHandle, ThreadImpersonationToken, make([]byte, 8)))
	if s.Token() != nil || unix.Geteuid() != 0 || unix.Getegid() != 0 {
		t.Errorf("after the return: token %v, ids %d:%d", s.Token(), unix.Geteuid(), unix.Getegid())
	}
}

func TestImpersonate(t *testing.T) {
	dir := needsUsers(t)
	proctest.Watchdog(t, watchdog)
	s := thread(t)
	ccp, name := listens(t, s)
	own, secret := filepath.Join(dir, "own"), filepath.Join(dir, "secret")
	if err := errors.Join(os.Mkdir(own, 0o700), os.Chown(own, alice, staff), os.WriteFile(secret, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	g := asks(t, s, ccp, func() *proctest.Child { return as(t, alice, staff, nil, "ask", name, SecurityImpersonation, 0, 0) })
	must(t, s.NtImpersonateClientOfPort(g.scp, &g.m))
	if id := s.Token().Identity(); id.UID != alice || id.GID != staff || s.Token().Level() != security.Impersonation || unix.Geteuid() != alice {
		t.Errorf("token %v, effective uid %d", s.Token(), unix.Geteuid())
	}
	made := filepath.Join(own, "made")
	if err := os.WriteFile(made, nil, 0o600); err != nil {
		t.Errorf("making a file as the client: %v", err)
	}
	if _, err := os.ReadFile(secret); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("reading root's file as the client: %v", err)
	}
	started := make(chan int)
	go func() { started <- unix.Geteuid() }()
	if euid := <-started; euid != 0 {
		t.Errorf("a goroutine that was started meanwhile has uid %d", euid)
	}
	must(t, s.NtImpersonateClientOfPort(g.scp, &g.m)) // again, in place of the first
	revert(t, s)
	revert(t, s)
	if st, err := os.Stat(made); err != nil || st.Sys() == nil {
		t.Error(err)
	}
	g.answered(t, s)
	if st := s.NtImpersonateClientOfPort(g.scp, &g.m); st != StatusInvalidCID && st != StatusPortDisconnected && st != StatusReplyMessageMismatch {
		t.Errorf("after the reply: %v", st)
	}
}

func TestImpersonationLevels(t *testing.T) {
	needsUsers(t)
	proctest.Watchdog(t, watchdog)
	s := thread(t)
	for _, c := range []struct {
		name  string
		level int
		euid  int
		token security.Level
		uid   uint32
	}{
		{"Anonymous", SecurityAnonymous, 65534, security.Anonymous, 65534},
		{"Identification", SecurityIdentification, 0, security.Identification, alice},
	} {
		t.Run(c.name, func(t *testing.T) {
			ccp, name := listens(t, s)
			g := asks(t, s, ccp, func() *proctest.Child { return as(t, alice, staff, nil, "ask", name, c.level, 0, 0) })
			must(t, s.NtImpersonateClientOfPort(g.scp, &g.m))
			if s.Token().Level() != c.token || s.Token().Identity().UID != c.uid || unix.Geteuid() != c.euid {
				t.Errorf("token %v, effective uid %d; want level %v, uid %d, effective %d", s.Token(), unix.Geteuid(), c.token, c.uid, c.euid)
			}
			revert(t, s)
			g.answered(t, s)
		})
	}
	_, name := listens(t, s)
	for level := SecurityDelegation; level < 5; level++ {
		as(t, alice, staff, nil, "ask", name, level, 0, 0).Expect(t, "STATUS_BAD_IMPERSONATION_LEVEL")
	}
}

// TestTracking: with static tracking the server acts as who connected, with dynamic
// tracking as who the waiting thread is.
func TestTracking(t *testing.T) {
	needsUsers(t)
	proctest.Watchdog(t, watchdog)
	s := thread(t)
	for mode, want := range []int{SecurityStaticTracking: 0, SecurityDynamicTracking: alice} {
		t.Run([]string{"Static", "Dynamic"}[mode], func(t *testing.T) {
			ccp, name := listens(t, s)
			g := asks(t, s, ccp, func() *proctest.Child { return as(t, 0, 0, nil, "ask", name, SecurityImpersonation, mode, 0, alice) })
			must(t, s.NtImpersonateClientOfPort(g.scp, &g.m))
			if unix.Geteuid() != want || int(s.Token().Identity().UID) != want {
				t.Errorf("token %v, effective uid %d, want %d", s.Token(), unix.Geteuid(), want)
			}
			revert(t, s)
			g.answered(t, s)
		})
	}
}

func TestImpersonationFailures(t *testing.T) {
	needsUsers(t)
	proctest.Watchdog(t, watchdog)
	s := thread(t)
	ccp, name := listens(t, s)
	start := func(typ int) func() *proctest.Child {
		return func() *proctest.Child { return as(t, alice, staff, nil, "ask", name, SecurityImpersonation, 0, typ) }
	}
	hidden, g := asks(t, s, ccp, start(LPCNoImpersonate)), asks(t, s, ccp, start(0))
	var section, weak Handle
	size := int64(1)
	must(t, s.NtCreateSection(&section, SectionAll, nil, &size, PageReadWrite, 0, 0))
	must(t, s.NtDuplicateObject(CurrentProcess, g.scp, CurrentProcess, &weak, 1, 0, 0))
	defer s.NtClose(section)
	defer s.NtClose(weak)
	stranger, old := g.m, g.m
	stranger.ClientID.UniqueProcess, stranger.ClientID.UniqueThread = 1<<21, 1<<21
	old.MessageID++
	for _, c := range []struct {
		name string
		h    Handle
		m    *Message
		want Status
	}{
		{"no message", g.scp, nil, StatusAccessViolation},
		{"no handle", 0x7770, &g.m, StatusInvalidHandle},
		{"a section", section, &g.m, StatusObjectTypeMismatch},
		{"a handle without the right", weak, &g.m, StatusAccessDenied},
		{"a connection port", ccp, &g.m, StatusInvalidPortHandle},
		{"a sender that is not", g.scp, &stranger, StatusInvalidCID},
		{"another message", g.scp, &old, StatusReplyMessageMismatch},
		{"another connection's message", hidden.scp, &g.m, StatusReplyMessageMismatch},
		{"a client that hides", hidden.scp, &hidden.m, StatusAccessDenied},
	} {
		if st := s.NtImpersonateClientOfPort(c.h, c.m); st != c.want {
			t.Errorf("%s: %v, want %v", c.name, st, c.want)
		}
		if s.Token() != nil || unix.Geteuid() != 0 {
			t.Fatalf("%s: the thread acts as somebody", c.name)
		}
	}
	g.Kill()
	if m, _ := receive(t, s, ccp); m.Type != LPCPortClosed {
		t.Errorf("type %d", m.Type)
	}
	if st := s.NtImpersonateClientOfPort(g.scp, &hidden.m); st != StatusPortDisconnected {
		t.Errorf("through a severed port: %v", st)
	}
	hidden.answered(t, s)
}

// TestTwoThreads: two threads act as two clients at one time.
func TestTwoThreads(t *testing.T) {
	needsUsers(t)
	proctest.Watchdog(t, watchdog)
	s := thread(t)
	ccp, name := listens(t, s)
	type result struct {
		euid int
		st   Status
	}
	var guests []*guest
	both, results := make(chan struct{}), make(chan result)
	arrived := make(chan struct{}, 2)
	for _, uid := range []uint32{alice, bob} {
		g := asks(t, s, ccp, func() *proctest.Child { return as(t, uid, staff, nil, "ask", name, SecurityImpersonation, 0, 0) })
		guests = append(guests, g)
		go func() {
			th, err := NewThread()
			if err != nil {
				t.Error(err)
			}
			st := th.NtImpersonateClientOfPort(g.scp, &g.m)
			arrived <- struct{}{}
			<-both
			r := result{unix.Geteuid(), st}
			th.NtSetInformationThread(CurrentThreadHandle, ThreadImpersonationToken, make([]byte, 8))
			th.Exit()
			results <- r
		}()
	}
	<-arrived
	<-arrived
	close(both)
	a, b := <-results, <-results
	if a.st != StatusSuccess || b.st != StatusSuccess || a.euid+b.euid != alice+bob || a.euid == b.euid {
		t.Errorf("%v and %v", a, b)
	}
	for _, g := range guests {
		g.answered(t, s)
	}
}

// TestNoPrivilege: a server that may not take its client's ids knows who it is, and is
// itself.
func TestNoPrivilege(t *testing.T) {
	dir := needsUsers(t)
	proctest.Watchdog(t, watchdog)
	users := filepath.Join(dir, "users") // that root made for the account
	if err := errors.Join(os.Mkdir(users, 0o755), os.Chown(users, bob, staff)); err != nil {
		t.Fatal(err)
	}
	name := `\Users\NoPrivilege`
	server := as(t, bob, staff, nil, "serve", name)
	server.Expect(t, "listening")
	client := as(t, alice, staff, nil, "ask", name, SecurityImpersonation, 0, 0)
	server.Expect(t, "STATUS_SUCCESS 50001 identification 50002")
	client.Expect(t, "STATUS_SUCCESS")
	client.End(t)
	server.End(t)
}

// TestConnectPermission: a port's descriptor says who may connect.
func TestConnectPermission(t *testing.T) {
	needsUsers(t)
	proctest.Watchdog(t, watchdog)
	s := thread(t)
	allow := func(uid uint32, typ access.ACEType) access.ACE {
		return access.ACE{Type: typ, Mask: access.PortConnect, SID: access.User(uid)}
	}
	for _, c := range []struct {
		name string
		d    *access.Descriptor
		in   bool
	}{
		{"Default", nil, false},
		{"Everyone", everyone, true},
		{"Empty", &access.Descriptor{Control: access.DACLPresent, DACL: &access.ACL{}}, false},
		{"Her", &access.Descriptor{Control: access.DACLPresent, DACL: &access.ACL{Entries: []access.ACE{allow(alice, access.Allow)}}}, true},
		{"Denied", &access.Descriptor{Control: access.DACLPresent, DACL: &access.ACL{Entries: []access.ACE{allow(alice, access.Deny), allow(alice, access.Allow)}}}, false},
		{"Another", &access.Descriptor{Control: access.DACLPresent, DACL: &access.ACL{Entries: []access.ACE{allow(bob, access.Allow)}}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := `\Users\` + c.name
			var ccp Handle
			must(t, s.NtCreatePort(&ccp, &ObjectAttributes{ObjectName: &name, SecurityDescriptor: c.d}, 0, MaxMessageLength, 0))
			defer s.NtClose(ccp)
			if !c.in {
				as(t, alice, staff, nil, "ask", name, SecurityIdentification, 0, 0).Expect(t, "STATUS_ACCESS_DENIED")
				return
			}
			asks(t, s, ccp, func() *proctest.Child { return as(t, alice, staff, nil, "ask", name, SecurityIdentification, 0, 0) }).answered(t, s)
		})
	}
}
