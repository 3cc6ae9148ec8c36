package ntconform

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// check holds one expectation. path is a parameter, or a part of one behind a dot:
//
//	PortHandle, PortContext, …       a number: an expression, "untouched", "=>name"
//	ReceiveMessage                   "untouched"
//	ReceiveMessage.Type              a field of the header
//	ReceiveMessage.ClientId          "@C": thread C of its process
//	ReceiveMessage.Data              text:… or hex:…
//	ReceiveMessage.Rest              "untouched": all that lies behind the data
//	ClientView.ViewBase              a number
//	Buffer                           text:…, hex:…, "untouched"
//
// "!" in front of an expectation turns it round.
func (r *run) check(path, want string, made *Step, req Request, res Result) error {
	name, part, _ := strings.Cut(path, ".")
	before, after := req[name], res[name]
	if name == "times" || after == "" && before == "" {
		v, ok := r.env.values[path] // of the suite's own: how often
		if !ok {
			return fmt.Errorf("expecting %s: nothing of that name came back", path)
		}
		return r.number(path, want, v)
	}
	if want == "untouched" && part == "" {
		if after != before {
			return fmt.Errorf("%s was written: it was %s and is %s", path, short(before), short(after))
		}
		return nil
	}
	kind := Number
	if i := slices.IndexFunc(Calls[made.Call], func(p Parameter) bool { return p.Name == name }); i >= 0 {
		kind = Calls[made.Call][i].Kind
	}
	switch kind {
	case Msg, Same:
		was, _ := hex.DecodeString(before)
		is, err := hex.DecodeString(after)
		if err != nil || len(is) != MessageSize {
			return fmt.Errorf("%s came back as %q", path, short(after))
		}
		return r.message(path, part, want, was, is)
	case View, Remote:
		fields := viewFields
		if kind == Remote {
			fields = remoteFields
		}
		i, parts := slices.Index(fields, part), strings.Split(after, ",")
		if i < 0 || i >= len(parts) {
			return fmt.Errorf("expecting %s: a view has no such field, or came back as %q", path, after)
		}
		v, err := strconv.ParseUint(parts[i], 0, 64)
		if err != nil {
			return err
		}
		return r.number(path, want, v)
	case Buffer:
		b, err := hex.DecodeString(after)
		if err != nil {
			return err
		}
		return r.data(path, want, b)
	}
	if name == "Data" { // of Peek
		if want == after {
			return nil // "absent"
		}
		b, err := hex.DecodeString(after)
		if err != nil {
			return fmt.Errorf("%s came back as %q", path, after)
		}
		return r.data(path, want, b)
	}
	v, err := strconv.ParseUint(after, 0, 64)
	if err != nil {
		return fmt.Errorf("%s came back as %q", path, after)
	}
	return r.number(path, want, v)
}

func (r *run) message(path, part, want string, was, is message) error {
	switch part {
	case "ClientId":
		p, _ := is.get("UniqueProcess")
		t, _ := is.get("UniqueThread")
		wp, ok := r.env.values[want+".process"]
		if !ok {
			return fmt.Errorf("expecting %s: there is no thread %q", path, want)
		}
		if wt := r.env.values[want]; p != wp || t != wt {
			return fmt.Errorf("%s is %d.%d, expected %d.%d (%s)", path, p, t, wp, wt, want)
		}
		return nil
	case "Data":
		return r.data(path, want, is.data())
	case "Rest":
		rest := is.rest()
		if old := was[len(was)-len(rest):]; !bytes.Equal(rest, old) {
			i := 0
			for rest[i] == old[i] {
				i++
			}
			return fmt.Errorf("%s: the byte at %#x behind the data was written", path, MessageSize-len(rest)+i)
		}
		return nil
	}
	v, ok := is.get(part)
	if !ok {
		return fmt.Errorf("expecting %s: a message has no such field", path)
	}
	return r.number(path, want, v)
}

const messageHeader = 0x28

func (r *run) data(path, want string, is []byte) error {
	expr, not := strings.CutPrefix(want, "!")
	b, err := r.env.bytes(expr)
	if err != nil {
		return err
	}
	if bytes.Equal(b, is) == not {
		word := map[bool]string{true: "other than "}[not]
		return fmt.Errorf("%s is %q, expected %s%q", path, short(string(is)), word, short(string(b)))
	}
	return nil
}

func (r *run) number(path, want string, v uint64) error {
	if name, ok := strings.CutPrefix(want, "=>"); ok {
		r.env.values[name] = v
		return nil
	}
	expr, not := strings.CutPrefix(want, "!")
	if expr == "untouched" {
		expr = hexNumber(sentinel)
	}
	w, err := r.env.number(expr)
	if err != nil {
		return fmt.Errorf("expecting %s: %w", path, err)
	}
	if (v == w) == not {
		word := map[bool]string{true: "other than "}[not]
		return fmt.Errorf("%s is %#x, expected %s%#x (%s)", path, v, word, w, want)
	}
	return nil
}

func short(s string) string {
	if len(s) > 160 {
		return s[:160] + "…"
	}
	return s
}
