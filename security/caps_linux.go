package security

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// readCaps returns the calling thread's capabilities (capget(2)).
func readCaps() (capSets, error) {
	// Version 3 has two words of 32 bits, and a pid of 0 is the calling thread.
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return capSets{}, fmt.Errorf("reading capabilities: %w", err)
	}
	join := func(low, high uint32) CapSet { return CapSet(low) | CapSet(high)<<32 }
	return capSets{
		effective:   join(data[0].Effective, data[1].Effective),
		permitted:   join(data[0].Permitted, data[1].Permitted),
		inheritable: join(data[0].Inheritable, data[1].Inheritable),
	}, nil
}

// setCaps sets the calling thread's capabilities.
func setCaps(c capSets) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	for i := range data {
		data[i] = unix.CapUserData{
			Effective:   uint32(c.effective >> (32 * i)),
			Permitted:   uint32(c.permitted >> (32 * i)),
			Inheritable: uint32(c.inheritable >> (32 * i)),
		}
	}
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("setting capabilities: %w", err)
	}
	return nil
}

// readAmbient returns the calling thread's ambient set. It is within both the
// permitted and the inheritable set (capabilities(7)), and those are empty nearly
// always, which saves a call for every capability.
func readAmbient(c capSets) (set CapSet, err error) {
	for n, possible := 0, c.permitted&c.inheritable; possible != 0; n, possible = n+1, possible>>1 {
		if possible&1 == 0 {
			continue
		}
		is, err := unix.PrctlRetInt(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, uintptr(n), 0, 0)
		if err != nil {
			return 0, fmt.Errorf("reading ambient capability %d: %w", n, err)
		}
		set |= CapSet(is) << n
	}
	return set, nil
}

// raiseAmbient adds set to the calling thread's ambient set.
func raiseAmbient(set CapSet) error {
	for n := 0; set != 0; n, set = n+1, set>>1 {
		if set&1 == 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(n), 0, 0); err != nil {
			return fmt.Errorf("raising ambient capability %d: %w", n, err)
		}
	}
	return nil
}

// setKeepCaps sets the flag that keeps the permitted set when the last user id
// of 0 goes (PR_SET_KEEPCAPS(2const)).
func setKeepCaps(on int) error {
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, uintptr(on), 0, 0, 0); err != nil {
		return fmt.Errorf("setting keep-capabilities flag: %w", err)
	}
	return nil
}
