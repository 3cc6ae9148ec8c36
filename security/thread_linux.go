package security

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// thread is what impersonation changes of a thread, and what the kernel changes
// along with it. All of it belongs to one thread (credentials(7), NOTES): the
// calls here are the raw ones, for those of package syscall change every thread.
type thread struct {
	uid, gid ids
	groups   []uint32 // ascending
	caps     capSets
	ambient  CapSet
	keepCaps int // PR_SET_KEEPCAPS
	death    int // parent-death signal: cleared by a change of ids (PR_SET_PDEATHSIG(2const))
}

type ids struct{ real, effective, saved, fs uint32 }

type capSets struct{ effective, permitted, inheritable CapSet }

// keep is -1 in the calls of setresuid(2): leave this id as it is.
const keep = ^uintptr(0)

// readThread returns the state of the calling thread.
func readThread() (t thread, err error) {
	// The calls give ids of 32 bits as ints, the large ones negative.
	t.uid = idsOf(unix.Getresuid())
	t.gid = idsOf(unix.Getresgid())
	// An id that cannot be makes setfsuid(2) say the present one and leave it.
	fsuid, _ := unix.SetfsuidRetUid(-1)
	fsgid, _ := unix.SetfsgidRetGid(-1)
	t.uid.fs, t.gid.fs = uint32(fsuid), uint32(fsgid)
	groups, err := unix.Getgroups()
	if err != nil {
		return t, fmt.Errorf("reading groups: %w", err)
	}
	for _, g := range groups {
		t.groups = append(t.groups, uint32(g))
	}
	slices.Sort(t.groups)
	if t.caps, err = readCaps(); err != nil {
		return t, err
	}
	if t.ambient, err = readAmbient(t.caps); err != nil {
		return t, err
	}
	if t.keepCaps, err = unix.PrctlRetInt(unix.PR_GET_KEEPCAPS, 0, 0, 0, 0); err != nil {
		return t, fmt.Errorf("reading keep-capabilities flag: %w", err)
	}
	if t.death, err = deathSignal(); err != nil {
		return t, fmt.Errorf("reading parent-death signal: %w", err)
	}
	return t, nil
}

func idsOf(real, effective, saved int) ids {
	return ids{real: uint32(real), effective: uint32(effective), saved: uint32(saved)}
}

// differs names the first thing in which the two differ, "" for none.
func (t *thread) differs(from *thread) string {
	switch {
	case t.uid != from.uid:
		return fmt.Sprintf("user ids are %v, expected %v", t.uid, from.uid)
	case t.gid != from.gid:
		return fmt.Sprintf("group ids are %v, expected %v", t.gid, from.gid)
	case !slices.Equal(t.groups, from.groups):
		return fmt.Sprintf("groups are %v, expected %v", t.groups, from.groups)
	case t.caps != from.caps:
		return fmt.Sprintf("capabilities are %v, expected %v", t.caps, from.caps)
	case t.ambient != from.ambient:
		return fmt.Sprintf("ambient capabilities are %v, expected %v", t.ambient, from.ambient)
	case t.keepCaps != from.keepCaps:
		return fmt.Sprintf("keep-capabilities flag is %d, expected %d", t.keepCaps, from.keepCaps)
	case t.death != from.death:
		return fmt.Sprintf("parent-death signal is %d, expected %d", t.death, from.death)
	}
	return ""
}

// as returns the state in which the thread t is the client.
func (t *thread) as(tok *Token, o Options) thread {
	w, id := *t, tok.Identity()
	w.uid.effective, w.uid.fs = id.UID, id.UID
	w.gid.effective, w.gid.fs = id.GID, id.GID
	w.groups = slices.Sorted(slices.Values(id.Groups)) // as the kernel keeps them
	w.caps.effective = tok.keeps(o, t.caps.effective)
	if t.clears(&w) {
		w.keepCaps = 1
		if t.uid.effective == 0 { // else the ambient set goes on the way back
			w.ambient = 0
		}
	}
	return w
}

// clears reports whether the kernel takes the capabilities away on the way from
// t to w or on the way back, which it does when the last of the three user ids
// that is 0 becomes another (capabilities(7), "Effect of user ID changes on
// capabilities"). The keep-capabilities flag saves the permitted set, nothing the
// ambient set.
func (t *thread) clears(w *thread) bool {
	return t.uid.real != 0 && t.uid.saved != 0 && (t.uid.effective == 0) != (w.uid.effective == 0)
}

// become makes the calling thread, in state t, the client in state w: groups,
// group, user, capabilities, in this order, for each takes away the right to do
// the one before. What is the same already is not touched, so a server needs no
// privilege for a client with its own ids.
func (t *thread) become(w *thread) error {
	if w.keepCaps != t.keepCaps {
		if err := setKeepCaps(w.keepCaps); err != nil {
			return err
		}
	}
	if !slices.Equal(t.groups, w.groups) {
		if err := doing(setGroups, func() error { return setThreadGroups(w.groups) }); err != nil {
			return err
		}
	}
	if t.gid.effective != w.gid.effective {
		if err := doing(setGroup, func() error { return setEffective(unix.SYS_SETRESGID, w.gid.effective) }); err != nil {
			return err
		}
	}
	if t.uid.effective != w.uid.effective {
		if err := doing(setUser, func() error { return setEffective(unix.SYS_SETRESUID, w.uid.effective) }); err != nil {
			return err
		}
	}
	if err := doing(dropCaps, func() error { return setCaps(w.caps) }); err != nil {
		return err
	}
	if err := setDeathSignal(w.death); err != nil {
		return err
	}
	return doing(verifySwitch, func() error { return verify(w) })
}

// comeBack makes the calling thread what t says, from wherever become, or whoever
// ran after it, left it: capabilities to go back by, then the reverse order.
func (t *thread) comeBack() error {
	now, err := readThread()
	if err != nil {
		return err
	}
	all := t.caps
	all.effective = all.permitted
	if err := doing(raiseCaps, func() error { return setCaps(all) }); err != nil {
		return err
	}
	if now.uid != t.uid {
		if err := doing(backUser, func() error { return setEffective(unix.SYS_SETRESUID, t.uid.effective) }); err != nil {
			return err
		}
		// From user 0 to another, the effective set is gone once more.
		if err := setCaps(all); err != nil {
			return err
		}
	}
	if now.gid != t.gid {
		if err := doing(backGroup, func() error { return setEffective(unix.SYS_SETRESGID, t.gid.effective) }); err != nil {
			return err
		}
	}
	if !slices.Equal(now.groups, t.groups) {
		if err := doing(backGroups, func() error { return setThreadGroups(t.groups) }); err != nil {
			return err
		}
	}
	if now.keepCaps != t.keepCaps {
		if err := setKeepCaps(t.keepCaps); err != nil {
			return err
		}
	}
	if err := raiseAmbient(t.ambient); err != nil {
		return err
	}
	if err := doing(backCaps, func() error { return setCaps(t.caps) }); err != nil {
		return err
	}
	if err := setDeathSignal(t.death); err != nil {
		return err
	}
	return doing(verifyReturn, func() error { return verify(t) })
}

// verify reads the calling thread's state and holds it against want.
func verify(want *thread) error {
	now, err := readThread()
	if err != nil {
		return err
	}
	if d := now.differs(want); d != "" {
		return errors.New(d)
	}
	return nil
}

// setEffective is setresuid(2) or setresgid(2) of the effective id alone.
func setEffective(call uintptr, id uint32) error {
	switch _, _, errno := unix.RawSyscall(call, keep, uintptr(id), keep); errno {
	case 0:
		return nil
	case unix.EINVAL:
		return fmt.Errorf("id %d has no mapping in this user namespace: %w", id, errno)
	default:
		return errno
	}
}

func setDeathSignal(sig int) error {
	if sig == 0 { // what a change of ids leaves behind
		return nil
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(sig), 0, 0, 0); err != nil {
		return fmt.Errorf("setting parent-death signal: %w", err)
	}
	return nil
}
