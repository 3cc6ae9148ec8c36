package security

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

const readSearch = CapSet(1 << unix.CAP_DAC_READ_SEARCH)

// statusOf reads what /proc says of a process of this test.
func statusOf(t *testing.T, pid int) *status {
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseStatus(string(b))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A client that is root with all capabilities in a user namespace of its own is
// an ordinary user here.
func TestForeignNamespace(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	maps := []syscall.SysProcIDMap{{ContainerID: 0, HostID: alice, Size: 1}}
	fd, child := connectWith(t, "connect", &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER, UidMappings: maps, GidMappings: maps, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{Uid: 0, Gid: 0},
	})
	if s := statusOf(t, child.Process.Pid); s.uid[1] != alice || !s.effective.Has(unix.CAP_SYS_ADMIN) {
		t.Fatalf("the client is %+v, want user %d with all capabilities in its namespace", s, alice)
	}
	tok, err := Capture(fd, Impersonation)
	if err != nil {
		t.Fatal(err)
	}
	if tok.Namespace() != ForeignNamespace || tok.Capabilities() != 0 || tok.Identity().UID != alice {
		t.Errorf("%v, namespace %v, capabilities %v", tok, tok.Namespace(), tok.Capabilities())
	}
	called := false
	err = Impersonate(tok, Options{WithCapabilities: true}, func() error { called = true; return nil })
	if !errors.Is(err, ErrIdentificationOnly) || called {
		t.Errorf("called %v, error %v", called, err)
	}
	secret := filepath.Join(proctest.PublicDir(t), "secret")
	write(t, secret, 0, 0, 0o600)
	err = Impersonate(tok, Options{WithCapabilities: true, AllowForeign: true}, func() error {
		called = true
		if c, err := readCaps(); err != nil || c.effective != 0 || unix.Geteuid() != alice {
			t.Errorf("user %d, effective capabilities %v, error %v", unix.Geteuid(), c.effective, err)
		}
		if _, err := os.ReadFile(secret); !denied(err) {
			t.Errorf("reading root's file: %v", err)
		}
		return nil
	})
	if err != nil || !called {
		t.Errorf("called %v, error %v", called, err)
	}
}

// inside runs an impersonation and returns the effective capabilities there and
// whether it could read a file of root's.
func inside(t *testing.T, tok *Token, o Options) (effective CapSet, reads bool) {
	t.Helper()
	secret := filepath.Join(proctest.PublicDir(t), "secret")
	write(t, secret, bob, bob, 0o600)
	err := Impersonate(tok, o, func() error {
		c, err := readCaps()
		if err != nil {
			return err
		}
		effective = c.effective
		_, err = os.ReadFile(secret)
		if reads = err == nil; !reads && !denied(err) {
			return err
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return effective, reads
}

func TestWithCapabilities(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	user := &syscall.Credential{Uid: alice, Gid: alice}
	for name, c := range map[string]struct {
		attr *syscall.SysProcAttr
		own  CapSet // 0: none; all ones: whatever root has
	}{
		"a user":                   {&syscall.SysProcAttr{Credential: user}, 0},
		"a user with a capability": {&syscall.SysProcAttr{Credential: user, AmbientCaps: []uintptr{unix.CAP_DAC_READ_SEARCH}}, readSearch},
		"root":                     {&syscall.SysProcAttr{}, ^CapSet(0)},
	} {
		t.Run(name, func(t *testing.T) {
			fd, _ := connectWith(t, "connect", c.attr)
			tok, err := Capture(fd, Impersonation)
			if err != nil {
				t.Fatal(err)
			}
			mine, err := readCaps()
			if err != nil {
				t.Fatal(err)
			}
			want := c.own & mine.effective
			if tok.Capabilities()&mine.effective != want {
				t.Errorf("the token has %v, want %v", tok.Capabilities(), want)
			}
			if got, reads := inside(t, tok, Options{}); got != 0 || reads {
				t.Errorf("without the option: capabilities %v, reads another's file %v", got, reads)
			}
			if got, reads := inside(t, tok, Options{WithCapabilities: true}); got != want || reads != (want != 0) {
				t.Errorf("with the option: capabilities %v, reads another's file %v, want %v", got, reads, want)
			}
			// What the server lacks, the client does not bring.
			if want&readSearch != 0 {
				tok.caps |= 1 << 63
				if got, _ := inside(t, tok, Options{WithCapabilities: true}); got != want {
					t.Errorf("with one more: capabilities %v, want %v", got, want)
				}
			}
		})
	}
}

// A client that starts a program with capabilities in its file, after it has
// connected, does not bring them.
func TestCapabilitiesOfAProgramAreNotTheClients(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	program := filepath.Join(proctest.PublicDir(t), "program")
	copyProgram(t, program)
	// vfs_cap_data of revision 2 with the effective flag: capabilities(7), linux/capability.h.
	var file [20]byte
	binary.LittleEndian.PutUint32(file[0:], 0x02000001)
	binary.LittleEndian.PutUint32(file[4:], uint32(readSearch))
	if err := unix.Setxattr(program, "security.capability", file[:], 0); err != nil {
		needs.Missing(t, "needs file capabilities (capabilities(7)) on the file system of %s: %v", program, err)
	}
	fd, child := connectWith(t, "connect-exec", &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: alice, Gid: alice}}, program)
	if s := statusOf(t, child.Process.Pid); s.effective != readSearch || s.uid[1] != alice {
		t.Fatalf("the client is %+v, want the program's capabilities in effect", s)
	}
	tok, err := Capture(fd, Impersonation)
	if err != nil {
		t.Fatal(err)
	}
	if got, reads := inside(t, tok, Options{WithCapabilities: true}); tok.Capabilities() != 0 || got != 0 || reads {
		t.Errorf("the token has %v, the thread had %v, read another's file %v", tok.Capabilities(), got, reads)
	}
}

// What a client is when it is asked is not what it was when it connected.
func TestCapabilitiesOfOtherIdsDoNotCount(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	fd, child := connectWith(t, "connect", nil, alice)
	if s := statusOf(t, child.Process.Pid); s.uid[1] != 0 || s.effective == 0 {
		t.Fatalf("the client is %+v, want root", s)
	}
	tok, err := Capture(fd, Impersonation)
	if err != nil {
		t.Fatal(err)
	}
	if tok.Identity().UID != alice || tok.Namespace() != OwnNamespace || tok.Capabilities() != 0 {
		t.Errorf("%v, namespace %v, capabilities %v", tok, tok.Namespace(), tok.Capabilities())
	}
}

func copyProgram(t *testing.T, path string) {
	t.Helper()
	in, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
}

// A process that is gone tells nothing, and neither does one that never was.
func TestUnknownNamespace(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	fd, child := connectFrom(t, &syscall.Credential{Uid: alice, Gid: alice})
	pidfd := peerPIDFD(t, fd)
	id, err := FromSocket(fd)
	if err != nil {
		t.Fatal(err)
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	file, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, fd := range map[string]int{"of a process that is gone": pidfd, "none": -1, "no pidfd at all": int(file.Fd()), "closed": 1 << 20} {
		tok, err := NewToken(id, fd, Impersonation)
		if err != nil {
			t.Fatal(err)
		}
		if tok.Namespace() != UnknownNamespace || tok.Capabilities() != 0 || tok.Identity().UID != alice {
			t.Errorf("pidfd %s: %v, namespace %v", name, tok, tok.Namespace())
		}
		if err := Impersonate(tok, Options{}, func() error { return nil }); !errors.Is(err, ErrIdentificationOnly) {
			t.Errorf("pidfd %s: %v", name, err)
		}
	}
}

func TestOwnCapabilities(t *testing.T) {
	four := func(a, b, c, d uint32) [4]uint32 { return [4]uint32{a, b, c, d} }
	same := four(7, 7, 7, 7)
	for _, c := range []struct {
		name     string
		s        status
		uid, gid uint32
		want     CapSet
	}{
		{"ambient and effective", status{same, same, 6, 3}, 7, 7, 2},
		{"effective alone", status{same, same, 6, 0}, 7, 7, 0},
		{"root's effective", status{four(0, 0, 0, 0), four(0, 0, 0, 0), 6, 0}, 0, 0, 6},
		{"a user then, root now", status{four(0, 0, 0, 0), same, 6, 6}, 7, 7, 0},
		{"root then, a user now", status{same, same, 6, 6}, 0, 7, 0},
		{"another real user", status{four(8, 7, 7, 7), same, 6, 6}, 7, 7, 0},
		{"another saved user", status{four(7, 7, 0, 7), same, 6, 6}, 7, 7, 0},
		{"another filesystem user", status{four(7, 7, 7, 0), same, 6, 6}, 7, 7, 0},
		{"another group", status{same, four(7, 0, 7, 7), 6, 6}, 7, 7, 0},
	} {
		if got := c.s.own(Identity{UID: c.uid, GID: c.gid}); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestParseStatus(t *testing.T) {
	const good = "Name:\tUid:\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t4294967295\nCapEff:\t000001ffffffffff\nCapAmb:\t0000000000000004\n"
	s, err := parseStatus(good)
	if err != nil || *s != (status{[4]uint32{1, 2, 3, 4}, [4]uint32{5, 6, 7, 1<<32 - 1}, 0x1ffffffffff, 4}) {
		t.Errorf("got %+v, error %v", s, err)
	}
	for _, cut := range []string{"Uid:\t1\t2\t3\t4\n", "\t4294967295", "CapEff:\t000001ffffffffff\n", "CapAmb:\t0000000000000004\n"} {
		if s, err := parseStatus(string(bytes.ReplaceAll([]byte(good), []byte(cut), nil))); err == nil {
			t.Errorf("without %q: %+v", cut, s)
		}
	}
	for _, bad := range [][2]string{{"\t4294967295", "\t4294967296"}, {"\t1\t", "\t-1\t"}, {"000001ff", "x"}} {
		if s, err := parseStatus(string(bytes.ReplaceAll([]byte(good), []byte(bad[0]), []byte(bad[1])))); err == nil {
			t.Errorf("with %q: %+v", bad[1], s)
		}
	}
}

func FuzzParseStatus(f *testing.F) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(b))
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseStatus(text); (s == nil) == (err == nil) {
			t.Errorf("%+v and error %v", s, err)
		}
	})
}
