package lpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

func TestConnectionInformation(t *testing.T) {
	var server *Conn
	accepted := make(chan struct{})
	served(t, &ListenOptions{OnConnect: func(r *ConnRequest) {
		switch info := string(r.Info()); {
		case info == "no":
			if err := r.Refuse([]byte("not you")); err != nil {
				t.Error(err)
			}
		case info == "silence":
		case len(info) == 260:
			if _, err := r.Accept(random(260)); err != nil {
				t.Error(err)
			}
		default:
			if _, err := r.Accept(random(261)); !errors.Is(err, ErrTooLarge) {
				t.Errorf("accept with 261 bytes: %v", err)
			}
			c, err := r.Accept([]byte("welcome " + info))
			if err != nil {
				t.Error(err)
			}
			c.SetContext(info)
			server = c
			close(accepted)
			if err := r.Refuse(nil); err == nil {
				t.Error("refusing after accepting gave no error")
			}
		}
	}}, func(r Request) { _ = r.Reply([]byte(r.Conn().Context().(string))) })

	c := dialed(t, &DialOptions{Info: []byte("ann")})
	<-accepted
	if string(c.Info()) != "welcome ann" || string(server.Info()) != "ann" {
		t.Errorf("info at the client %q, at the server %q", c.Info(), server.Info())
	}
	if got, err := c.Call(t.Context(), nil); err != nil || string(got) != "ann" {
		t.Errorf("context of the connection: %q, %v", got, err)
	}
	if full := dialed(t, &DialOptions{Info: random(260)}); string(full.Info()) != string(random(260)) {
		t.Error("260 bytes of information changed on the way")
	}
	_, err := Dial(t.Context(), name(t), &DialOptions{Info: random(261)})
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("dial with 261 bytes: %v", err)
	}
	_, err = Dial(t.Context(), name(t), &DialOptions{Info: []byte("no")})
	var refused *RefusedError
	if !errors.Is(err, ErrRefused) || !errors.As(err, &refused) || string(refused.Info) != "not you" {
		t.Errorf("refused connection: %v", err)
	}
	if _, err = Dial(t.Context(), name(t), &DialOptions{Info: []byte("silence")}); !errors.Is(err, ErrRefused) {
		t.Errorf("connection that nobody decided: %v", err)
	}
}

func TestManualAccept(t *testing.T) {
	watchdog(t)
	p, err := Listen(name(t), &ListenOptions{ManualAccept: true})
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() {
		_, err := Dial(t.Context(), name(t), nil)
		result <- err
	}()
	r, err := p.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Caller().PID != os.Getpid() || r.Caller().UID != uint32(os.Geteuid()) {
		t.Errorf("caller %+v", r.Caller())
	}
	if _, err := r.Accept(nil); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Accept(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled accept: %v", err)
	}
	go func() {
		_, err := p.Accept(t.Context())
		result <- err
	}()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, ErrPortClosed) {
		t.Errorf("accept on a closed port: %v", err)
	}
}

func TestNames(t *testing.T) {
	p := served(t, nil, echo)
	if want := `\RPC Control\` + name(t); p.Name() != want {
		t.Errorf("name %s, want %s", p.Name(), want)
	}
	if _, err := Listen(strings.ToUpper(name(t)), nil); !errors.Is(err, ErrInUse) {
		t.Errorf("second listener in other case: %v", err)
	}
	for _, n := range []string{`\RPC Control\` + name(t), "ncalrpc:[" + name(t) + "]", strings.ToUpper(name(t))} {
		c, err := Dial(t.Context(), n, nil)
		if err != nil {
			t.Errorf("dialing %s: %v", n, err)
			continue
		}
		_ = c.Close()
	}
	for _, n := range []string{"", "..", `\a\..\b`, "a\x00b", strings.Repeat("x", 300)} {
		if _, err := Listen(n, nil); !errors.Is(err, ErrInvalidName) {
			t.Errorf("listening as %q: %v", n, err)
		}
		if _, err := Dial(t.Context(), n, nil); !errors.Is(err, ErrInvalidName) {
			t.Errorf("dialing %q: %v", n, err)
		}
	}
	if _, err := Dial(t.Context(), "nobody-here", nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("dialing nobody: %v", err)
	}
}

func TestCloseUnblocksEverything(t *testing.T) {
	for _, who := range []string{"client", "server connection", "port"} {
		t.Run(who, func(t *testing.T) {
			watchdog(t)
			conns := make(chan *Conn, 1)
			entered := make(chan Request, 200)
			closed := make(chan error, 1)
			p, err := Listen(name(t), &ListenOptions{
				OnConnect: func(r *ConnRequest) {
					c, err := r.Accept(nil)
					if err != nil {
						t.Error(err)
					}
					conns <- c
				},
				OnClose: func(_ *Conn, err error) { closed <- err },
			})
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() {
				done <- Serve(t.Context(), p, HandlerFunc(func(r Request) { r.Defer(); entered <- r }))
			}()
			c := dialed(t, nil)
			var wg sync.WaitGroup
			for i := range 150 { // 127 wait for a reply, the rest for a slot
				wg.Go(func() {
					if _, err := c.Call(t.Context(), random(i*5)); !errors.Is(err, ErrPortClosed) {
						t.Errorf("call %d: %v", i, err)
					}
				})
			}
			var rs []Request
			for range 127 {
				rs = append(rs, <-entered)
			}
			sc := <-conns
			switch who {
			case "client":
				_ = c.Close()
			case "server connection":
				_ = sc.Close()
			case "port":
				_ = p.Close()
			}
			wg.Wait()
			for _, r := range rs {
				_ = r.Reply(nil)
			}
			if err := <-closed; !errors.Is(err, ErrPortClosed) {
				t.Errorf("OnClose was told %v", err)
			}
			<-c.Done()
			if err := c.Send(t.Context(), nil); !errors.Is(err, ErrPortClosed) {
				t.Errorf("send on a closed connection: %v", err)
			}
			if _, err := c.Alloc(t.Context(), 1000); !errors.Is(err, ErrPortClosed) {
				t.Errorf("alloc on a closed connection: %v", err)
			}
			_ = p.Close()
			if err := <-done; !errors.Is(err, ErrPortClosed) {
				t.Errorf("Serve: %v", err)
			}
		})
	}
}

// The echo role serves the port LPC_TEST_PORT and answers "who" with what it knows
// of its caller.
func init() {
	roles["echo"] = func() error {
		p, err := Listen(os.Getenv("LPC_TEST_PORT"), &ListenOptions{AllowEveryone: os.Getenv("LPC_TEST_ALL") != ""})
		if err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // the parent is gone
			os.Exit(3)
		}()
		fmt.Println("ready")
		return Serve(context.Background(), p, HandlerFunc(func(r Request) {
			switch string(r.View()) {
			case "who":
				b, _ := json.Marshal(r.Caller())
				_ = r.Reply(b)
			case "hang":
				fmt.Println("hanging")
				r.Defer()
			default:
				_ = r.Reply(r.View())
			}
		}))
	}
	roles["who"] = func() error {
		c, err := Dial(context.Background(), os.Getenv("LPC_TEST_PORT"), nil)
		if err != nil {
			return err
		}
		b, err := c.Call(context.Background(), []byte("who"))
		fmt.Println(string(b))
		return err
	}
}

func TestTwoProcesses(t *testing.T) {
	watchdog(t)
	s := start(t, "echo", "LPC_TEST_PORT="+name(t))
	s.Line(t)
	c := dialed(t, nil)
	if c.Peer().PID != s.PID() {
		t.Errorf("the server is process %d, the kernel says %d", s.PID(), c.Peer().PID)
	}
	for _, n := range []int{0, 304, 305, 3 << 20} {
		if got, err := c.Call(t.Context(), random(n)); err != nil || string(got) != string(random(n)) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	var who Caller
	b, err := c.Call(t.Context(), []byte("who"))
	if err != nil || json.Unmarshal(b, &who) != nil || who.PID != os.Getpid() || who.UID != uint32(os.Geteuid()) {
		t.Errorf("the server saw %s, %v", b, err)
	}
	uid := uint32(os.Geteuid()) + 1
	if _, err := Dial(t.Context(), name(t), &DialOptions{ServerUID: &uid}); !errors.Is(err, ErrPermission) {
		t.Errorf("dialing another user's port: %v", err)
	}
	infos, err := Ports(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, i := range infos {
		if i.Name == name(t) {
			found = true
			if !i.Readable || i.Connections != 1 || i.PID != s.PID() || i.Calls < 5 || i.Stale {
				t.Errorf("listed as %+v", i)
			}
		}
	}
	if !found {
		t.Errorf("not among %+v", infos)
	}
}

func TestServerKilledInCall(t *testing.T) {
	watchdog(t)
	s := start(t, "echo", "LPC_TEST_PORT="+name(t))
	s.Line(t)
	c := dialed(t, nil)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if _, err := c.Call(t.Context(), []byte("hang")); !errors.Is(err, ErrPeerDied) {
				t.Errorf("call to a server that was killed: %v", err)
			}
		})
		s.Line(t)
	}
	s.Signal(t, syscall.SIGKILL)
	wg.Wait()
	if err := c.Err(); !errors.Is(err, ErrPeerDied) {
		t.Errorf("the connection ended with %v", err)
	}
	_ = s.Cmd.Wait() // the listening socket lives as long as any of the process does
	infos, err := Ports(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range infos {
		if strings.EqualFold(i.Name, name(t)) && !i.Stale {
			t.Errorf("listed as %+v, want stale", i)
		}
	}
	p, err := Listen(name(t), nil)
	if err != nil {
		t.Fatalf("taking the name of a killed server over: %v", err)
	}
	_ = p.Close()
}

// Another user is admitted only where the port says so, and the server sees who it is.
func TestOtherUser(t *testing.T) {
	needsAnotherUser(t)
	watchdog(t)
	root := everybodys(t)
	t.Setenv("LPC_ROOT", root)
	for all, admitted := range map[string]bool{"": false, "1": true} {
		port := name(t) + all
		start(t, "echo", "LPC_TEST_PORT="+port, "LPC_TEST_ALL="+all).Line(t)
		cmd := asAnother(t, root, "LPC_TEST_ROLE=who", "LPC_TEST_PORT="+port)
		var errs strings.Builder
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if !admitted {
			if err == nil || !strings.Contains(errs.String(), "permission denied") {
				t.Errorf("another user got %q, %v, %s", out, err, errs.String())
			}
			continue
		}
		var who Caller
		if err != nil || json.Unmarshal(out, &who) != nil || who.UID != 65534 || who.GID != 65533 || fmt.Sprint(who.Groups) != "[5 6]" {
			t.Errorf("the server saw %q, %v %s", out, err, errs.String())
		}
	}
}

func TestErrorText(t *testing.T) {
	e := &Error{Op: "call", Port: "spool/print", MsgID: 0x1a, Err: context.DeadlineExceeded}
	if got, want := e.Error(), "lpc call spool/print msg 0x1a: context deadline exceeded"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !e.Timeout() {
		t.Error("a deadline is no timeout")
	}
}

// everybodys is a directory that everybody may search.
func everybodys(t *testing.T) string {
	t.Helper()
	root, err := os.MkdirTemp("/run", "lpc-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

// needsAnotherUser skips a test that cannot run a client as another user.
func needsAnotherUser(t *testing.T) {
	t.Helper()
	needs.Root(t, "to run a client as another user")
	if proctest.Emulated() {
		needs.Elsewhere(t, "go test on this processor itself: its emulator does not hand SO_PEERGROUPS on")
	}
}

// asAnother is a role run as uid 65534, gid 65533, groups 5 and 6.
func asAnother(t *testing.T, root string, env ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.CreateTemp(root, "exe") // the binary, where that user may read it
	if err != nil {
		t.Fatal(err)
	}
	self, _ := os.Open("/proc/self/exe")
	if _, err := io.Copy(exe, self); err != nil {
		t.Fatal(err)
	}
	_ = self.Close()
	_ = exe.Chmod(0o755)
	_ = exe.Close()
	cmd := exec.Command(exe.Name())
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65533, Groups: []uint32{5, 6}}}
	return cmd
}
