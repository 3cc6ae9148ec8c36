package ntconform

import (
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/seed-eedd8485/lpc/nt"
	"github.com/seed-eedd8485/lpc/security/access"
	"golang.org/x/sys/unix"
)

// An executor makes calls of package nt for the threads of its process.
type executor struct {
	mu     sync.Mutex
	memory map[uint64][]byte // by address: what Alloc gave
}

func newExecutor() *executor { return &executor{memory: map[uint64][]byte{}} }

// call makes one call for a thread.
func (x *executor) call(t *nt.Thread, req Request) (res Result) {
	c := &call{req: req, res: Result{}}
	defer func() {
		if p := recover(); p != nil {
			res = Result{"error": fmt.Sprintf("%s panicked: %v", req["call"], p)}
		}
	}()
	if c.own(x, t); c.res["status"] == "" && c.err == nil {
		s := c.nt(t)
		c.back()
		c.res["status"] = statusText(s)
	}
	if c.err != nil {
		return Result{"error": c.err.Error()}
	}
	return c.res
}

// A call is a request on its way to package nt and back.
type call struct {
	req    Request
	res    Result
	err    error
	writes []func() // put what came back into res
}

func (c *call) back() {
	for _, f := range c.writes {
		f()
	}
}

func (c *call) fail(name string, err error) {
	if err != nil && c.err == nil {
		c.err = fmt.Errorf("parameter %s of %s, %q: %w", name, c.req["call"], short(c.req[name]), err)
	}
}

func (c *call) number(name string) uint64 {
	v, err := strconv.ParseUint(c.req[name], 0, 64)
	c.fail(name, err)
	return v
}

func (c *call) handle(name string) nt.Handle { return nt.Handle(c.number(name)) }

func (c *call) u32(name string) uint32 { return uint32(c.number(name)) }

// out is a pointer to a number.
func out[T ~uint32 | ~uint64 | ~int64 | ~uintptr](c *call, name string) *T {
	if c.req[name] == "nil" {
		return nil
	}
	v := new(T)
	*v = T(c.number(name))
	c.writes = append(c.writes, func() { c.res[name] = hexNumber(uint64(*v)) })
	return v
}

func (c *call) text(name string) *string {
	if c.req[name] == "nil" {
		return nil
	}
	s := strings.TrimPrefix(c.req[name], "=")
	return &s
}

func (c *call) bytes(name string) []byte {
	if c.req[name] == "nil" {
		return nil
	}
	b, err := hex.DecodeString(c.req[name])
	c.fail(name, err)
	c.writes = append(c.writes, func() { c.res[name] = hex.EncodeToString(b) })
	return b
}

func (c *call) message(name string) *nt.Message {
	if c.req[name] == "nil" {
		return nil
	}
	b, err := hex.DecodeString(c.req[name])
	if err == nil && len(b) != MessageSize {
		err = fmt.Errorf("%d bytes", len(b))
	}
	if c.fail(name, err); err != nil {
		return nil
	}
	m := new(nt.Message)
	fromBytes(m, b)
	c.writes = append(c.writes, func() { c.res[name] = hex.EncodeToString(toBytes(m)) })
	return m
}

// same is a message that may be the one before it.
func (c *call) same(name string, other *nt.Message) *nt.Message {
	if c.req[name] != "alias" {
		return c.message(name)
	}
	c.writes = append(c.writes, func() { c.res[name] = hex.EncodeToString(toBytes(other)) })
	return other
}

func (c *call) numbers(name string, n int) []uint64 {
	if c.req[name] == "nil" {
		return nil
	}
	parts := strings.Split(c.req[name], ",")
	if len(parts) != n {
		c.fail(name, fmt.Errorf("%d numbers, expected %d", len(parts), n))
		return make([]uint64, n)
	}
	v := make([]uint64, n)
	for i, p := range parts {
		var err error
		v[i], err = strconv.ParseUint(p, 0, 64)
		c.fail(name, err)
	}
	return v
}

func joined(v ...uint64) string {
	var s []string
	for _, x := range v {
		s = append(s, hexNumber(x))
	}
	return strings.Join(s, ",")
}

func (c *call) view(name string) *nt.PortView {
	n := c.numbers(name, len(viewFields))
	if n == nil {
		return nil
	}
	v := &nt.PortView{Length: uint32(n[0]), SectionHandle: nt.Handle(n[1]), SectionOffset: uint32(n[2]), ViewSize: n[3], ViewBase: uintptr(n[4]), ViewRemoteBase: uintptr(n[5])}
	c.writes = append(c.writes, func() {
		c.res[name] = joined(uint64(v.Length), uint64(v.SectionHandle), uint64(v.SectionOffset), v.ViewSize, uint64(v.ViewBase), uint64(v.ViewRemoteBase))
	})
	return v
}

func (c *call) remote(name string) *nt.RemotePortView {
	n := c.numbers(name, len(remoteFields))
	if n == nil {
		return nil
	}
	v := &nt.RemotePortView{Length: uint32(n[0]), ViewSize: n[1], ViewBase: uintptr(n[2])}
	c.writes = append(c.writes, func() { c.res[name] = joined(uint64(v.Length), v.ViewSize, uint64(v.ViewBase)) })
	return v
}

func (c *call) qos(name string) *nt.SecurityQualityOfService {
	n := c.numbers(name, 4)
	if n == nil {
		return nil
	}
	return &nt.SecurityQualityOfService{Length: uint32(n[0]), ImpersonationLevel: uint32(n[1]), ContextTrackingMode: uint8(n[2]), EffectiveOnly: uint8(n[3])}
}

func (c *call) sid(name string) *access.SID {
	s := c.text(name)
	if s == nil {
		return nil
	}
	sid := new(access.SID)
	if *s != "" { // "": the zero SID, which is no valid one
		var err error
		*sid, err = access.ParseSID(*s)
		c.fail(name, err)
	}
	return sid
}

func (c *call) attributes() *nt.ObjectAttributes {
	if c.req["ObjectAttributes"] == "nil" {
		return nil
	}
	a := &nt.ObjectAttributes{ObjectName: c.text("ObjectName"), Attributes: c.u32("Attributes")}
	if c.req["SecurityDescriptor"] != "nil" {
		b, err := hex.DecodeString(c.req["SecurityDescriptor"])
		if err == nil {
			a.SecurityDescriptor, err = access.Decode(b)
		}
		c.fail("SecurityDescriptor", err)
	}
	return a
}

// own are the calls that are not NT's.
func (c *call) own(x *executor, t *nt.Thread) {
	var err error
	switch c.req["call"] {
	case "Identify":
		id := t.ClientID()
		c.res["Process"], c.res["Thread"] = hexNumber(id.UniqueProcess), hexNumber(id.UniqueThread)
	case "Exit":
		t.Exit()
	case "Alloc":
		c.res["Address"], err = x.alloc(int(c.number("Size")))
	case "Protect":
		err = x.protect(c.number("Address"), c.number("Size"))
	case "Peek":
		b := make([]byte, c.number("Size"))
		c.res["Data"] = "absent"
		if n, err := moveMemory(b, c.number("Address"), unix.ProcessVMReadv); err == nil && n == len(b) {
			c.res["Data"] = hex.EncodeToString(b)
		}
	case "Poke":
		_, err = moveMemory(c.bytes("Data"), c.number("Address"), unix.ProcessVMWritev)
	default:
		return
	}
	if err != nil {
		c.err = fmt.Errorf("%s: %w", c.req["call"], err)
	}
	c.res["status"] = statusText(nt.StatusSuccess)
}

// moveMemory reads or writes this process's memory through the kernel, which says so
// where there is none.
func moveMemory(b []byte, addr uint64, f func(int, []unix.Iovec, []unix.RemoteIovec, uint) (int, error)) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	local := unix.Iovec{Base: &b[0]}
	local.SetLen(len(b))
	return f(os.Getpid(), []unix.Iovec{local}, []unix.RemoteIovec{{Base: uintptr(addr), Len: len(b)}}, 0)
}
