package security

import "fmt"

// Level is how far a client lets a server go with its identity: NT's
// SECURITY_IMPERSONATION_LEVEL, with its numbers.
type Level uint8

// The levels, from the least on.
const (
	// Anonymous: the server learns nothing. Who impersonates the client is uid and
	// gid 65534 without groups.
	Anonymous Level = iota
	// Identification: the server may ask who the client is, and not act as it.
	Identification
	// Impersonation: the server may act as the client on this machine.
	Impersonation
	// Delegation would let the server act as the client on other machines. There
	// is no such thing here: NewToken refuses it.
	Delegation
)

var levels = [...]string{"anonymous", "identification", "impersonation", "delegation"}

// String gives the level's name in small letters.
func (l Level) String() string {
	if int(l) < len(levels) {
		return levels[l]
	}
	return fmt.Sprintf("level %d", uint8(l))
}

// Namespace says where a client's user ids come from (user_namespaces(7)).
type Namespace uint8

// The answers. What could not be found out is treated as foreign.
const (
	UnknownNamespace Namespace = iota
	OwnNamespace               // this process's user namespace
	ForeignNamespace           // another one: a container, or unshare -U
)

// String gives "own", "foreign" or "unknown".
func (n Namespace) String() string {
	switch n {
	case OwnNamespace:
		return "own"
	case ForeignNamespace:
		return "foreign"
	}
	return "unknown"
}

// CapSet is a set of capabilities: bit n stands for the capability of number n
// (capabilities(7)).
type CapSet uint64

// Has reports whether the capability of that number is in the set.
func (c CapSet) Has(number int) bool { return number >= 0 && number < 64 && c>>number&1 != 0 }

// String gives the set in hex as /proc/PID/status does.
func (c CapSet) String() string { return fmt.Sprintf("%016x", uint64(c)) }
