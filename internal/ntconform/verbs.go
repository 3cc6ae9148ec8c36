package ntconform

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/nt"
	"github.com/seed-eedd8485/lpc/target"
)

// Verbs are steps that the suite carries out itself.
//
//	returns   what the thread's waiting call gives
//	still     the thread still waits in it
//	make      makes or changes a message: name, from (another one), data, info
//	          (data-info entries "address,length;…" behind the data), ClientId, and
//	          any field of the header
//	let       values of expressions
//	thread    what the record of a thread says: of. The fields of _ETHREAD
//	port      what the object of a handle says: handle. The fields of
//	          _LPCP_PORT_OBJECT, and Address, Handles, Type (1 Port, 2 WaitablePort)
//	admit     the thread listens until the connection request of client comes, refuses
//	          all before it, and accepts and completes that one
//	kill      ends the thread's process by SIGKILL
var verbs map[string]func(*run, *Step) error

func init() { // a literal would refer to itself
	verbs = map[string]func(*run, *Step) error{
		"returns": (*run).verbReturns, "still": (*run).verbStill, "make": (*run).verbMake, "let": (*run).verbLet,
		"thread": (*run).verbThread, "port": (*run).verbPort, "admit": (*run).verbAdmit, "kill": (*run).verbKill,
	}
}

// Verb is a step of the suite's own.
func Verb(thread, verb string, in P) Step { return Step{Thread: thread, Call: verb, In: in} }

func (r *run) verbReturns(st *Step) error {
	a := r.actors[st.Thread]
	if a == nil || a.pending == nil {
		return fmt.Errorf("%s does not wait in a call", st.Thread)
	}
	made := a.pending
	res, err := r.await(a)
	if err != nil {
		return err
	}
	a.pending = nil
	if err := r.returned(a, st, made, a.sent, res); err != nil {
		return fmt.Errorf("%s %w", made.Call, err)
	}
	return nil
}

func (r *run) verbStill(st *Step) error {
	a := r.actors[st.Thread]
	if a == nil || a.pending == nil {
		return fmt.Errorf("%s does not wait in a call", st.Thread)
	}
	return r.seenWaiting(a)
}

func (r *run) verbMake(st *Step) error {
	name := st.In["name"]
	if name == "" {
		name = "m"
	}
	m := newMessage()
	if from := st.In["from"]; from != "" {
		src, ok := r.env.msgs[from]
		if !ok {
			return fmt.Errorf("there is no message %q", from)
		}
		copy(m, src)
	} else {
		clear(m[:messageHeader])
		m.setData(nil)
	}
	if expr, ok := st.In["data"]; ok {
		b, err := r.env.bytes(expr)
		if err != nil {
			return err
		}
		m.setData(b)
	}
	if expr, ok := st.In["info"]; ok {
		if err := r.dataInfo(m, expr); err != nil {
			return err
		}
	}
	for _, field := range slices.Sorted(maps.Keys(st.In)) {
		expr := st.In[field]
		switch field {
		case "name", "from", "data", "info":
			continue
		case "ClientId":
			if a, err := r.actor(strings.TrimPrefix(expr, "@")); err == nil && strings.HasPrefix(expr, "@") {
				_ = m.set("UniqueProcess", a.id.UniqueProcess)
				_ = m.set("UniqueThread", a.id.UniqueThread)
				continue
			}
			return fmt.Errorf("no thread %q", expr)
		}
		v, err := r.env.number(expr)
		if err == nil {
			err = m.set(field, v)
		}
		if err != nil {
			return err
		}
	}
	r.env.msgs[name] = m
	return nil
}

// dataInfo puts a data-info array behind the data (lpc reference c.3).
func (r *run) dataInfo(m message, expr string) error {
	b := slices.Clone(m.data())
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	at := messageHeader + len(b)
	entries := strings.Split(expr, ";")
	b = binary.LittleEndian.AppendUint64(b, uint64(len(entries)))
	for _, e := range entries {
		addr, size, _ := strings.Cut(e, ",")
		for _, x := range []string{addr, size} {
			v, err := r.env.number(x)
			if err != nil {
				return err
			}
			b = binary.LittleEndian.AppendUint64(b, v)
		}
	}
	if len(b) > nt.MaxDataLength {
		return fmt.Errorf("data and data-info have %d bytes, a message takes %d", len(b), nt.MaxDataLength)
	}
	m.setData(b)
	return m.set("DataInfoOffset", uint64(at))
}

func (r *run) verbLet(st *Step) error {
	for _, name := range slices.Sorted(maps.Keys(st.In)) {
		v, err := r.env.number(st.In[name])
		if err != nil {
			return err
		}
		r.env.values[name] = v
	}
	for _, path := range slices.Sorted(maps.Keys(st.Want)) {
		v, ok := r.env.values[path]
		if !ok {
			return fmt.Errorf("no value has the name %q", path)
		}
		if err := r.number(path, st.Want[path], v); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) verbThread(st *Step) error {
	a, err := r.actor(st.In["of"])
	if err != nil {
		return err
	}
	err2 := r.o.threadRecord(a.id, func(rec *records.Record) {
		err = r.fields(st, rec.Get)
	})
	if err2 != nil {
		return err2
	}
	return err
}

func (r *run) fields(st *Step, get func(string) (uint64, bool)) error {
	for _, path := range slices.Sorted(maps.Keys(st.Want)) {
		name, bits, masked := strings.Cut(path, "&") // Flags&0xf
		v, ok := get(name)
		if !ok {
			return fmt.Errorf("the record has no field %s", name)
		}
		if masked {
			mask, err := r.env.number(bits)
			if err != nil {
				return err
			}
			v &= mask
		}
		if err := r.number(path, st.Want[path], v); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) verbPort(st *Step) error {
	a, err := r.actor(st.Thread)
	if err != nil {
		return err
	}
	h, err := r.env.number(st.In["handle"])
	if err != nil {
		return err
	}
	err2 := r.o.portRecord(a.id.UniqueProcess, h, func(rec *records.Record, obj target.Object) {
		err = r.fields(st, func(name string) (uint64, bool) {
			switch name {
			case "Address":
				return obj.Addr, true
			case "Handles":
				return uint64(obj.Handles), true
			case "Type":
				return map[string]uint64{"Port": 1, "WaitablePort": 2}[obj.Type], true
			}
			return rec.Get(name)
		})
	})
	if err2 != nil {
		return err2
	}
	return err
}

func (r *run) verbAdmit(st *Step) error {
	for {
		listen := Do(st.Thread, "NtListenPort", nil)
		if err := r.step(&listen); err != nil {
			return err
		}
		m := r.env.msgs["request"]
		if r.message("", "ClientId", st.In["client"], m, m) == nil {
			break
		}
		refuse := Do(st.Thread, "NtAcceptConnectPort", P{"AcceptConnection": "0", "PortHandle": "none"}).or(mismatch, invalidCID)
		if err := r.step(&refuse); err != nil {
			return err
		}
	}
	for _, next := range []Step{Do(st.Thread, "NtAcceptConnectPort", nil), Do(st.Thread, "NtCompleteConnectPort", nil)} {
		if err := r.step(&next); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) verbKill(st *Step) error {
	a, err := r.actor(st.Thread)
	if err != nil {
		return err
	}
	for _, b := range r.actors {
		if b.id.UniqueProcess == a.id.UniqueProcess {
			b.gone, b.pending = true, nil
		}
	}
	return r.d.Kill(a.name[0])
}
