package security

import (
	"fmt"
	"testing"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		v    fmt.Stringer
		want string
	}{
		{Anonymous, "anonymous"}, {Identification, "identification"}, {Impersonation, "impersonation"}, {Delegation, "delegation"}, {Level(4), "level 4"},
		{OwnNamespace, "own"}, {ForeignNamespace, "foreign"}, {UnknownNamespace, "unknown"}, {Namespace(9), "unknown"},
		{CapSet(0x1ffffffffff), "000001ffffffffff"},
		{&Token{id: Identity{PID: 1, UID: 2, GID: 3}, level: Impersonation}, "pid 1 uid 2 gid 3, impersonation"},
		{&Token{id: Identity{PID: 1, UID: 2, GID: 3}}, "pid 0 uid 65534 gid 65534, anonymous"},
	} {
		if got := c.v.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	set := CapSet(1<<63 | 1<<7)
	for n, want := range map[int]bool{7: true, 63: true, 6: false, 64: false, -1: false, 1 << 40: false} {
		if set.Has(n) != want {
			t.Errorf("Has(%d) is %v", n, !want)
		}
	}
}
