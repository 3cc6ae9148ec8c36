package ntconform

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-eedd8485/lpc/security/access"
)

// sentinel is what a number holds that a call is to write, before it does.
const sentinel = 0xDEADBEE0

// env is what a scene knows. Expressions are resolved in it:
//
//	numbers    12  0x30  $name  @C (the thread's id)  with + and - between
//	pointers   nil  bad  odd  ro
//	OutNum     name  name=expr  =expr    what comes back is $name; the value before is expr
//	Text       \path  %name (a name of this scene's own)
//	Msg        name of a message; one that was not made is all unwritten
//	View       name=e,e,e,e,e,e  and Remote name=e,e,e: comes back as $name.ViewBase and so on
//	Buffer     text:abc  hex:00ff  fill:12 (unwritten)
//	Security   none  everyone (a NULL list)  nobody (an empty list)  sid:S-1-…
type env struct {
	scene  string // its own part of every name
	values map[string]uint64
	texts  map[string]string
	msgs   map[string]message
}

func newEnv(own string) *env {
	return &env{scene: own, values: map[string]uint64{}, texts: map[string]string{}, msgs: map[string]message{}}
}

// number evaluates terms joined by + and -.
func (e *env) number(expr string) (uint64, error) {
	var sum uint64
	sign, rest := byte('+'), expr
	for {
		term, next := rest, ""
		i := strings.IndexAny(rest[min(1, len(rest)):], "+-")
		var op byte
		if i >= 0 {
			i++
			term, op, next = rest[:i], rest[i], rest[i+1:]
		}
		v, err := e.term(term)
		if err != nil {
			return 0, fmt.Errorf("in %q: %w", expr, err)
		}
		if sign == '-' {
			v = -v
		}
		sum += v
		if i < 0 {
			return sum, nil
		}
		sign, rest = op, next
	}
}

func (e *env) term(t string) (uint64, error) {
	if strings.HasPrefix(t, "$") || strings.HasPrefix(t, "@") {
		v, ok := e.values[strings.TrimPrefix(t, "$")]
		if !ok {
			return 0, fmt.Errorf("no value has the name %q", t)
		}
		return v, nil
	}
	if i, err := strconv.ParseInt(t, 0, 64); err == nil {
		return uint64(i), nil
	}
	return strconv.ParseUint(t, 0, 64)
}

func hexNumber(v uint64) string { return "0x" + strconv.FormatUint(v, 16) }

// bytes evaluates a Buffer.
func (e *env) bytes(expr string) ([]byte, error) {
	kind, rest, _ := strings.Cut(expr, ":")
	switch kind {
	case "text":
		return []byte(rest), nil
	case "hex":
		return hex.DecodeString(rest)
	case "fill":
		n, err := strconv.Atoi(rest)
		return bytes.Repeat([]byte{unwritten}, n), err
	}
	return nil, fmt.Errorf("%q is no Buffer: it begins with none of text, hex and fill", expr)
}

var nullPointers = map[string]bool{"nil": true, "bad": true, "odd": true, "ro": true}

// encode writes a parameter for a request. back is under which name what comes back
// is known, "" for none.
func (e *env) encode(k Kind, expr string) (text, back string, err error) {
	if nullPointers[expr] && k != Number {
		return expr, "", nil
	}
	name, values, given := strings.Cut(expr, "=")
	switch k {
	case Number:
		v, err := e.number(expr)
		return hexNumber(v), "", err
	case OutNum:
		v := uint64(sentinel)
		if given {
			v, err = e.number(values)
		}
		return hexNumber(v), name, err
	case Text:
		if strings.HasPrefix(expr, "%") {
			expr = `\` + e.scene + "-" + expr[1:]
		}
		return "=" + expr, "", nil
	case SID:
		return "=" + expr, "", nil
	case Msg, Same:
		if expr == "alias" {
			return expr, "", nil
		}
		m, ok := e.msgs[expr]
		if !ok {
			m = newMessage()
		}
		return hex.EncodeToString(m), expr, nil
	case View, Remote, QoS:
		if !given {
			name, values = "", expr
		}
		var parts []string
		for _, p := range strings.Split(values, ",") {
			v, err := e.number(p)
			if err != nil {
				return "", "", err
			}
			parts = append(parts, hexNumber(v))
		}
		return strings.Join(parts, ","), name, nil
	case Buffer:
		b, err := e.bytes(expr)
		return hex.EncodeToString(b), "", err
	case Security:
		b, err := security(expr)
		return hex.EncodeToString(b), "", err
	}
	return "", "", fmt.Errorf("no kind %d", k)
}

func security(expr string) ([]byte, error) {
	var d access.Descriptor
	d.Control |= access.DACLPresent
	switch kind, sid, _ := strings.Cut(expr, ":"); kind {
	case "everyone":
	case "nobody":
		d.DACL = &access.ACL{Revision: 2}
	case "sid":
		s, err := access.ParseSID(sid)
		if err != nil {
			return nil, err
		}
		d.DACL = &access.ACL{Revision: 2, Entries: []access.ACE{{Type: access.Allow, Mask: access.PortAllAccess, SID: s}}}
	default:
		return nil, fmt.Errorf("no security descriptor %q", expr)
	}
	return d.AppendBinary(nil)
}

// The fields of views, in the order in which a Request has them.
var (
	viewFields   = []string{"Length", "SectionHandle", "SectionOffset", "ViewSize", "ViewBase", "ViewRemoteBase"}
	remoteFields = []string{"Length", "ViewSize", "ViewBase"}
)

// decode takes what came back of a parameter under its name.
func (e *env) decode(k Kind, name, before, after string) error {
	if name == "" || after == before && k == OutNum {
		return nil // not written: it has no value
	}
	switch k {
	case OutNum:
		v, err := strconv.ParseUint(after, 0, 64)
		e.values[name] = v
		return err
	case Msg, Same:
		b, err := hex.DecodeString(after)
		if err == nil && len(b) != MessageSize {
			err = fmt.Errorf("a message of %d bytes came back, not %d", len(b), MessageSize)
		}
		e.msgs[name] = b
		return err
	case View, Remote:
		fields := viewFields
		if k == Remote {
			fields = remoteFields
		}
		parts := strings.Split(after, ",")
		if len(parts) != len(fields) {
			return fmt.Errorf("a view came back as %q", after)
		}
		for i, f := range fields {
			v, err := strconv.ParseUint(parts[i], 0, 64)
			if err != nil {
				return err
			}
			e.values[name+"."+f] = v
		}
	}
	return nil
}
