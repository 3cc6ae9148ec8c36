package lpc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestImpersonate: what a handler does as its caller, the caller could have done, and
// nothing more; afterwards the server is itself.
func TestImpersonate(t *testing.T) {
	needsAnotherUser(t)
	watchdog(t)
	root := everybodys(t)
	t.Setenv("LPC_ROOT", root)
	theirs := filepath.Join(root, "theirs")
	secret := filepath.Join(root, "secret")
	if err := errors.Join(os.Mkdir(theirs, 0o700), os.Chown(theirs, 65534, 65533), os.WriteFile(secret, []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	served(t, &ListenOptions{AllowEveryone: true}, func(r Request) {
		var refused error
		own := errors.New("f's own error")
		err := r.Impersonate(r.Context(), func() error {
			_, refused = os.ReadFile(secret)
			if err := os.WriteFile(filepath.Join(theirs, "made"), []byte("x"), 0o644); err != nil {
				return err
			}
			return own
		})
		if !errors.Is(err, own) {
			t.Errorf("Impersonate gives %v, want f's error", err)
		}
		if !errors.Is(refused, fs.ErrPermission) {
			t.Errorf("as the caller, reading the secret gives %v", refused)
		}
		if _, err := os.ReadFile(secret); err != nil {
			t.Errorf("afterwards, reading the secret gives %v", err)
		}
		_ = r.Reply([]byte("done"))
		if err := r.Impersonate(context.Background(), func() error { return nil }); !errors.Is(err, ErrReplied) {
			t.Errorf("after the reply Impersonate gives %v", err)
		}
	})
	cmd := asAnother(t, root, "LPC_TEST_ROLE=ask", "LPC_TEST_PORT="+name(t))
	if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "done" {
		t.Fatalf("the client says %q, %v", out, err)
	}
	st, err := os.Stat(filepath.Join(theirs, "made"))
	if err != nil {
		t.Fatal(err)
	}
	if sys := st.Sys().(*syscall.Stat_t); sys.Uid != 65534 || sys.Gid != 65533 {
		t.Errorf("the file made as the caller belongs to %d:%d", sys.Uid, sys.Gid)
	}
}

func init() {
	roles["ask"] = func() error {
		c, err := Dial(context.Background(), os.Getenv("LPC_TEST_PORT"), nil)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		b, err := c.Call(context.Background(), nil)
		fmt.Printf("%s\n", b)
		return err
	}
}
