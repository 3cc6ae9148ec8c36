package security

import "testing"

func TestIdentityText(t *testing.T) {
	id := Identity{PID: 42, UID: 1000, GID: 1000, Groups: []uint32{4, 27}}
	if got, want := id.String(), "pid 42 uid 1000 gid 1000"; got != want {
		t.Errorf("String: got %q, want %q", got, want)
	}
}

func TestIdentityMembership(t *testing.T) {
	id := Identity{PID: 42, UID: 1000, GID: 100, Groups: []uint32{4, 27}}
	for uid, want := range map[uint32]bool{1000: true, 0: false, 100: false, 42: false} {
		if got := id.Is(uid); got != want {
			t.Errorf("Is(%d): got %v, want %v", uid, got, want)
		}
	}
	for gid, want := range map[uint32]bool{100: true, 4: true, 27: true, 1000: false, 0: false} {
		if got := id.InGroup(gid); got != want {
			t.Errorf("InGroup(%d): got %v, want %v", gid, got, want)
		}
	}
}
