package ntconform

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/nt"
)

// rows are those of the reference that a scene must be named after.
var rows = strings.Fields(`
	b.2.1 b.2.2 b.2.3 b.2.4 b.2.5 b.2.6
	b.3.1 b.3.2 b.3.3 b.3.4 b.3.5 b.3.7 b.3.8 b.3.10 b.3.12 b.3.13
	b.4 b.5.1 b.5.2 b.5.3 b.5.4 b.5.5 b.5.6 b.5.7 b.5.8 b.6 b.7
	b.8.1 b.8.2 b.8.3 b.8.4 b.8.5 b.8.6 b.8.7 b.9 b.10 b.11 b.12 b.13 b.14 b.15 b.17
	d.1 d.2 d.3 d.4 e.2 e.3.1 e.3.2 e.3.3 e.3.4 e.3.5 e.4 e.5 a.1 a.2 a.5 b.0`)

// unseen are rows without a scene, and why.
var unseen = map[string]string{
	"b.1":    "the table of numbers: TestStatusNumbers",
	"b.3.6":  "a named port is a connection port: no name leads to another kind",
	"b.3.9":  "a view's address cannot be asked for, so it cannot conflict; sizes are those of b.3.13",
	"b.3.11": "no memory: cannot be brought about; NAME_DELETED: between lookup and queueing, d.1 has what comes of it",
	"b.16":   "kernel-only helpers",
}

func TestEveryRowHasAScene(t *testing.T) {
	for _, row := range rows {
		if !slices.ContainsFunc(Scenes(), func(s Scene) bool { return strings.HasPrefix(s.Name, row+" ") }) {
			t.Errorf("no scene shows %s", row)
		}
		if unseen[row] != "" {
			t.Errorf("%s is said to have no scene", row)
		}
	}
	name := regexp.MustCompile(`^([a-e]\.[0-9]+(\.[0-9]+)?) .`)
	seen := map[string]bool{}
	for _, s := range Scenes() {
		m := name.FindStringSubmatch(s.Name)
		if m == nil || !slices.Contains(rows, m[1]) && !slices.ContainsFunc(rows, func(r string) bool { return strings.HasPrefix(r, m[1]+".") }) && m[1] != "c.10" {
			t.Errorf("%q does not begin with a row", s.Name)
		}
		if seen[s.Name] {
			t.Errorf("two scenes are named %q", s.Name)
		}
		seen[s.Name] = true
	}
}

// The clauses of e.3.4, and a case of none of them.
func TestEveryClauseOfTheMatch(t *testing.T) {
	for _, clause := range []string{"P == W", "P == W.ConnectionPort", "P == W.ConnectedPort", "P.ConnectionPort == W", "none"} {
		if !slices.ContainsFunc(Scenes(), func(s Scene) bool {
			return strings.HasPrefix(s.Name, "e.3.4 ") && (strings.HasSuffix(s.Name, ": "+clause) || clause == "none" && strings.Contains(s.Name, "e.3.4 none"))
		}) {
			t.Errorf("no scene shows %s", clause)
		}
	}
}

// named are the statuses that b.2 to b.15 name.
var named = []nt.Status{
	nt.StatusSuccess, nt.StatusUserAPC, nt.StatusAlerted, nt.StatusTimeout, nt.StatusDatatypeMisalignment, nt.StatusPartialCopy,
	nt.StatusUnsuccessful, nt.StatusInvalidInfoClass, nt.StatusAccessViolation, nt.StatusInvalidHandle, nt.StatusInvalidCID,
	nt.StatusInvalidParameter, nt.StatusNoMemory, nt.StatusConflictingAddresses, nt.StatusAccessDenied, nt.StatusObjectTypeMismatch,
	nt.StatusPortMessageTooLong, nt.StatusObjectNameInvalid, nt.StatusObjectNameNotFound, nt.StatusObjectNameCollision,
	nt.StatusPortDisconnected, nt.StatusObjectPathNotFound, nt.StatusPortConnectionRefused, nt.StatusInvalidPortHandle,
	nt.StatusThreadIsTerminating, nt.StatusInvalidSID, nt.StatusInsufficientResources, nt.StatusBadImpersonationLevel,
	nt.StatusInvalidParameter3, nt.StatusInvalidParameter4, nt.StatusReplyMessageMismatch, nt.StatusLPCReplyLost, nt.StatusServerSIDMismatch,
}

// never are those among them that no scene gives, and why.
var never = map[nt.Status]string{
	nt.StatusUserAPC:              "there are no APCs: nothing alerts a wait",
	nt.StatusAlerted:              "there are no alerts",
	nt.StatusNoMemory:             "a full quota gives INSUFFICIENT_RESOURCES here; a process without memory cannot be brought about in a test",
	nt.StatusUnsuccessful:         "b.8: the kernel-mode variant; b.10: a semaphore that counts more than its queue holds, which ours cannot",
	nt.StatusConflictingAddresses: "a view's address cannot be asked for",
}

func TestEveryStatusIsGiven(t *testing.T) {
	given := map[nt.Status]bool{}
	for _, s := range Scenes() {
		for _, st := range s.Steps {
			if st.Waits || verbs[st.Call] != nil && st.Call != "returns" {
				continue
			}
			given[st.Status] = true
		}
	}
	for _, s := range named {
		switch why := never[s]; {
		case !given[s] && why == "":
			t.Errorf("no scene gives %s", s)
		case given[s] && why != "":
			t.Errorf("a scene gives %s, of which it is said: %s", s, why)
		}
	}
	for s := range never {
		if !slices.Contains(named, s) {
			t.Errorf("%s is not among those that are named", s)
		}
	}
}

// Every scene is played by a driver of this package's tests.
func TestEverySceneIsPlayed(t *testing.T) {
	offers := []Needs{NewInProcess().Offers(), newGoProcesses().Offers(), Together | Pointers, Apart | Pointers} // the last two: the C driver
	for _, s := range Scenes() {
		if !slices.ContainsFunc(offers, func(o Needs) bool { return s.Needs&^o == 0 }) {
			t.Errorf("no driver can play %q", s.Name)
		}
	}
}

// What a scene names exists: calls, parameters, fields.
func TestScenesAreWellFormed(t *testing.T) {
	for _, s := range Scenes() {
		waiting := map[string]string{}
		for i, st := range s.Steps {
			if verbs[st.Call] == nil {
				e := newEnv("x")
				if _, err := (&run{env: e}).request(&st); err != nil && !strings.Contains(err.Error(), "no value") {
					t.Errorf("%s: step %d, %s: %v", s.Name, i+1, st.Call, err)
				}
			}
			call := st.Call
			if call == "returns" {
				call = waiting[st.Thread]
				delete(waiting, st.Thread)
			} else if st.Waits {
				waiting[st.Thread] = call
			}
			for path := range st.Want {
				name, _, _ := strings.Cut(path, ".")
				if params, ok := Calls[call]; ok && verbs[st.Call] == nil && len(params) > 0 && name[0] < 'a' && call != "Peek" && call != "Alloc" &&
					!slices.ContainsFunc(params, func(p Parameter) bool { return p.Name == name }) {
					t.Errorf("%s: step %d expects %s of %s", s.Name, i+1, path, call)
				}
			}
		}
		if len(waiting) > 0 && !killed(s) {
			t.Errorf("%s: at the end %v wait", s.Name, waiting)
		}
	}
}

func killed(s Scene) bool {
	return slices.ContainsFunc(s.Steps, func(st Step) bool { return st.Call == "kill" })
}

// TestStatusNumbers: b.1, by hand.
func TestStatusNumbers(t *testing.T) {
	for s, n := range map[nt.Status]uint32{
		success: 0, nt.StatusUserAPC: 0xC0, nt.StatusAlerted: 0x101, timeout: 0x102, nt.StatusMessageRetrieved: 0x4000002E, misaligned: 0x80000002,
		nt.StatusUnsuccessful: 0xC0000001, badInfoClass: 0xC0000003, accessViolation: 0xC0000005, invalidHandle: 0xC0000008, invalidCID: 0xC000000B,
		invalidParameter: 0xC000000D, nt.StatusNoMemory: 0xC0000017, accessDenied: 0xC0000022, nt.StatusBufferTooSmall: 0xC0000023, typeMismatch: 0xC0000024,
		nt.StatusInvalidPortAttributes: 0xC000002E, tooLong: 0xC000002F, nameInvalid: 0xC0000033, nameNotFound: 0xC0000034, nameCollision: 0xC0000035,
		nt.StatusPortDoNotDisturb: 0xC0000036, disconnected: 0xC0000037, pathNotFound: 0xC000003A, refused: 0xC0000041, invalidPort: 0xC0000042,
		nt.StatusPortAlreadySet: 0xC0000048, terminating: 0xC000004B, invalidSID: 0xC0000078, noResources: 0xC000009A, badLevel: 0xC00000A5,
		nt.StatusInvalidParameter2: 0xC00000F0, parameter3: 0xC00000F1, parameter4: 0xC00000F2, nt.StatusMessageNotFound: 0xC0000109, mismatch: 0xC000021F,
		replyLost: 0xC0000253, sidMismatch: 0xC00002A0, portClosed: 0xC0000700, partialCopy: 0x8000000D, nt.StatusConflictingAddresses: 0xC0000018,
	} {
		if uint32(s) != n {
			t.Errorf("%s is %#x, expected %#x", s, uint32(s), n)
		}
	}
}
