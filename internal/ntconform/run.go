package ntconform

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/nt"
)

// patience is how long a call that must return may take before the scene is given up
// with what its threads are doing. It asserts nothing: no call comes near it.
var patience = 30 * time.Second

var scenesRun atomic.Uint64

// Run plays a scene. The error names the step. Handles that the scene left are
// closed; a thread that it left waiting is an error.
func Run(d Driver, o *Observer, s *Scene) error {
	r := &run{d: d, o: o, env: newEnv(fmt.Sprintf("c%d", scenesRun.Add(1))), actors: map[string]*actor{}}
	err := r.play(s)
	if cerr := r.end(err == nil); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return nil
}

type run struct {
	d      Driver
	o      *Observer
	env    *env
	actors map[string]*actor
}

// An actor is a thread of a scene.
type actor struct {
	Thread
	name    string
	id      nt.ClientID
	pending *Step // a call that was seen to wait
	sent    Request
	handles []uint64 // that its calls gave it
	gone    bool     // it exited, or its process was killed
}

func (r *run) play(s *Scene) error {
	for i := range s.Steps {
		st := &s.Steps[i]
		if err := r.step(st); err != nil {
			return fmt.Errorf("step %d, %s %s: %w", i+1, st.Thread, st.Call, err)
		}
	}
	for name, a := range r.actors {
		if a.pending != nil && !a.gone {
			return fmt.Errorf("at the end %s still waits in %s", name, a.pending.Call)
		}
	}
	return nil
}

// actor is the thread of that name, made when it is first needed.
func (r *run) actor(name string) (*actor, error) {
	if a := r.actors[name]; a != nil {
		return a, nil
	}
	th, err := r.d.Thread(name[0], name)
	if err != nil {
		return nil, fmt.Errorf("making thread %s: %w", name, err)
	}
	a := &actor{Thread: th, name: name}
	r.actors[name] = a
	res, err := r.ask(a, Request{"call": "Identify"})
	if err != nil {
		return nil, err
	}
	a.id.UniqueProcess, _ = strconv.ParseUint(res["Process"], 0, 64)
	a.id.UniqueThread, _ = strconv.ParseUint(res["Thread"], 0, 64)
	r.env.values["@"+name] = a.id.UniqueThread
	r.env.values["@"+name+".process"] = a.id.UniqueProcess
	return a, nil
}

func (r *run) step(st *Step) error {
	if verb, ok := verbs[st.Call]; ok {
		return verb(r, st)
	}
	a, err := r.actor(st.Thread)
	if err != nil {
		return err
	}
	if a.pending != nil {
		return fmt.Errorf("%s still waits in %s", a.name, a.pending.Call)
	}
	req, err := r.request(st)
	if err != nil {
		return err
	}
	if st.Waits {
		a.begin(st, req)
		return r.seenWaiting(a)
	}
	times := uint64(1)
	if st.Times != "" {
		if times, err = r.env.number(st.Times); err != nil {
			return err
		}
	}
	for ; times > 1; times-- {
		res, err := r.ask(a, req)
		if err == nil {
			err = r.returned(a, st, st, req, res)
		}
		if err != nil {
			return fmt.Errorf("%w, with %d to go", err, times-1)
		}
	}
	for n := 1; ; n++ {
		res, err := r.ask(a, req)
		if err != nil {
			return err
		}
		if n < st.Until && res["status"] == statusText(nt.StatusSuccess) && st.Status != nt.StatusSuccess {
			continue
		}
		if st.Until != 0 {
			r.env.values["times"] = uint64(n)
		}
		return r.returned(a, st, st, req, res)
	}
}

// begin makes a call of which a later "returns" takes the result.
func (a *actor) begin(st *Step, req Request) {
	a.Start(req)
	a.pending, a.sent = st, req
}

func statusText(s nt.Status) string { return fmt.Sprintf("%08X", uint32(s)) }

// request writes a step's call for a driver.
func (r *run) request(st *Step) (Request, error) {
	params, ok := Calls[st.Call]
	if !ok {
		return nil, fmt.Errorf("there is no such call")
	}
	req := Request{"call": st.Call}
	in := withDefaults(st.Call, st.In)
	for name := range in {
		if !slices.ContainsFunc(params, func(p Parameter) bool { return p.Name == name }) {
			return nil, fmt.Errorf("it has no parameter %q", name)
		}
	}
	for _, p := range params {
		expr, ok := in[p.Name]
		if !ok {
			if expr = "nil"; p.Kind == Number {
				expr = "0"
			}
		}
		text, _, err := r.env.encode(p.Kind, expr)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", p.Name, err)
		}
		req[p.Name] = text
	}
	return req, nil
}

// ask makes a call that must return.
func (r *run) ask(a *actor, req Request) (Result, error) {
	a.Start(req)
	return r.await(a)
}

func (r *run) await(a *actor) (Result, error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case res, ok := <-a.Result():
		switch {
		case !ok:
			a.gone = true
			return nil, fmt.Errorf("the process of %s ended", a.name)
		case res["error"] != "":
			return nil, fmt.Errorf("the driver says: %s", res["error"])
		}
		return res, nil
	case <-late.C:
		a.gone = true // nothing more can be asked of it
		return nil, fmt.Errorf("%s does not return: %s", a.name, r.describe(a))
	}
}

// seenWaiting returns when the thread's record says that it waits.
func (r *run) seenWaiting(a *actor) error {
	end := time.Now().Add(patience)
	for {
		select {
		case res, ok := <-a.Result():
			a.pending = nil
			if !ok {
				a.gone = true
				return fmt.Errorf("the process of %s ended", a.name)
			}
			return fmt.Errorf("gave %s%s, expected it to wait", statusName(res["status"]), res["error"])
		default:
		}
		receive, reply, err := r.o.Waits(a.id)
		if receive || reply {
			return nil
		}
		if time.Now().After(end) {
			a.gone = true
			return fmt.Errorf("it has not returned, and its record does not say that it waits (%v)", err)
		}
		runtime.Gosched()
	}
}

// describe says what a thread does, for a scene that is given up.
func (r *run) describe(a *actor) string {
	receive, reply, err := r.o.Waits(a.id)
	switch {
	case err != nil:
		return err.Error()
	case receive:
		return "its record says that it waits for a message"
	case reply:
		return "its record says that it waits for a reply"
	}
	return "its record says that it does not wait"
}

func statusName(text string) string {
	v, err := strconv.ParseUint(text, 16, 32)
	if err != nil {
		return text
	}
	return nt.Status(v).String()
}

// returned holds what a call gave against what the step wants. made is the step that
// made it.
func (r *run) returned(a *actor, st, made *Step, req Request, res Result) error {
	if got := res["status"]; got != statusText(st.Status) && !slices.ContainsFunc(st.Or, func(s nt.Status) bool { return got == statusText(s) }) {
		return fmt.Errorf("gave %s, expected %s", statusName(res["status"]), st.Status)
	}
	in := withDefaults(made.Call, made.In)
	for _, p := range Calls[made.Call] {
		expr, ok := in[p.Name]
		if !ok {
			continue
		}
		_, back, err := r.env.encode(p.Kind, expr)
		if err == nil {
			if after, ok := res[p.Name]; ok {
				err = r.env.decode(p.Kind, back, req[p.Name], after)
			}
		}
		if err != nil {
			return fmt.Errorf("parameter %s: %w", p.Name, err)
		}
		if v, ok := r.env.values[back]; ok && (p.Name == "PortHandle" || p.Name == "SectionHandle" || p.Name == "TargetHandle") && p.Kind == OutNum {
			a.handles = append(a.handles, v)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(st.Want)) {
		if err := r.check(path, st.Want[path], made, req, res); err != nil {
			return err
		}
	}
	return nil
}

// end closes what the scene left and ends its threads.
func (r *run) end(whole bool) (err error) {
	for _, name := range slices.Sorted(maps.Keys(r.actors)) {
		a := r.actors[name]
		if !a.gone && a.pending == nil {
			for _, h := range a.handles {
				// It may be closed already: that is no error here.
				if _, cerr := r.ask(a, Request{"call": "NtClose", "Handle": hexNumber(h)}); cerr != nil && whole {
					err = fmt.Errorf("closing what is left: %w", cerr)
					break
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.actors)) {
		a := r.actors[name]
		if !a.gone && a.pending == nil {
			if _, cerr := r.ask(a, Request{"call": "Exit"}); cerr != nil && whole && err == nil {
				err = fmt.Errorf("ending %s: %w", name, cerr)
			}
		}
		a.Discard()
	}
	return err
}

// withDefaults adds what most steps give a call.
func withDefaults(call string, in P) P {
	d := P{}
	switch call {
	case "NtCreatePort", "NtCreateWaitablePort":
		d = P{"ObjectAttributes": "is", "Attributes": "0x40", "MaxConnectionInfoLength": "0x104", "MaxMessageLength": "0x158", "PortHandle": "ccp", "ObjectName": "%port"}
	case "NtConnectPort", "NtSecureConnectPort":
		d = P{"PortHandle": "cli", "PortName": "%port", "SecurityQos": "12,2,0,1"}
	case "NtListenPort":
		d = P{"PortHandle": "$ccp", "ConnectionRequest": "request"}
	case "NtAcceptConnectPort":
		d = P{"PortHandle": "srv", "PortContext": "0xC0DE", "ConnectionRequest": "request", "AcceptConnection": "1"}
	case "NtCompleteConnectPort":
		d = P{"PortHandle": "$srv"}
	case "NtReplyWaitReceivePort":
		d = P{"PortHandle": "$ccp", "PortContext": "context", "ReceiveMessage": "got"}
	case "NtReplyWaitReceivePortEx":
		d = P{"PortHandle": "$ccp", "PortContext": "context", "ReceiveMessage": "got", "Timeout": "=0"}
	case "NtRequestPort":
		d = P{"PortHandle": "$cli", "RequestMessage": "m"}
	case "NtRequestWaitReplyPort":
		d = P{"PortHandle": "$cli", "RequestMessage": "m", "ReplyMessage": "reply"}
	case "NtReplyPort", "NtReplyWaitReplyPort":
		d = P{"PortHandle": "$srv", "ReplyMessage": "answer"}
	case "NtImpersonateClientOfPort":
		d = P{"PortHandle": "$srv", "Message": "got"}
	case "NtReadRequestData", "NtWriteRequestData":
		d = P{"PortHandle": "$srv", "Message": "got", "NumberOfBytes": "bytes"}
	case "NtCreateSection":
		d = P{"SectionHandle": "section", "DesiredAccess": "0xF001F", "MaximumSize": "=0x10000", "SectionPageProtection": "4", "AllocationAttributes": "0x8000000"}
	case "NtDuplicateObject":
		d = P{"SourceProcessHandle": "-1", "TargetProcessHandle": "-1", "TargetHandle": "twin", "Options": "2"}
	}
	if d["ObjectName"] != "" && in["ObjectAttributes"] == "nil" {
		delete(d, "ObjectName")
	}
	maps.Copy(d, in)
	return d
}
