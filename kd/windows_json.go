package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/ntdump/stackcheck"
)

// The forms that scripts read of what a Windows dump tells. Addresses are strings of
// hexadecimal digits: JSON's numbers do not hold 64 bits everywhere.

func init() {
	cmdBugcheck.JSON = jsonBugcheck
	cmdLm.JSON = jsonLm
	cmdLmtn.JSON = jsonLm
	cmdStackcheck.JSON = jsonStackcheck
}

func jsonBugcheck(_ context.Context, s *Session, args []string) (any, error) {
	if err := atMost(args, 0, ".bugcheck"); err != nil {
		return nil, err
	}
	d, err := s.windowsDump(".bugcheck")
	if err != nil {
		return nil, err
	}
	b := d.Header().BugCheck
	if !b.OK {
		return nil, errNoBugcheck
	}
	var params [4]string
	for i, p := range b.Params {
		params[i] = s.ptr(p)
	}
	return struct {
		Code       string    `json:"code"`
		Name       string    `json:"name"` // "" where it is not known
		Parameters [4]string `json:"parameters"`
	}{fmt.Sprintf("%08x", b.Code), bugcheckName(b), params}, nil
}

type jsonModule struct {
	Name     string `json:"name"`
	File     string `json:"file"`
	Start    string `json:"start"`
	End      string `json:"end"`
	Stamp    uint32 `json:"timeDateStamp"`
	CheckSum uint32 `json:"checkSum"`
	Process  string `json:"process,omitempty"` // that it is a module of
}

func jsonLm(_ context.Context, s *Session, args []string) (any, error) {
	opt, err := s.lmArgs(args)
	if err != nil {
		return nil, err
	}
	d, err := s.windowsDump("lm")
	if err != nil {
		return nil, err
	}
	im := s.images(d)
	loaded, unloaded, unreadable := []jsonModule{}, []jsonModule{}, []string{}
	for _, m := range opt.listed(im) {
		j := jsonModule{im.name(m), m.Name, s.ptr(m.Base), s.ptr(m.Base + m.Size), m.Stamp, m.CheckSum, ""}
		if m.User() {
			j.Process = s.ptr(im.process)
		}
		loaded = append(loaded, j)
	}
	if !opt.narrow() && opt.wantsKernel() {
		for _, u := range im.unloaded {
			unloaded = append(unloaded, jsonModule{File: u.Name, Start: s.ptr(u.Start), End: s.ptr(u.End)})
		}
	}
	user, kernel := s.lmLacks(im, opt)
	for _, why := range []string{user, kernel} {
		if why != "" {
			unreadable = append(unreadable, why)
		}
	}
	return struct {
		Loaded     []jsonModule `json:"loaded"`
		Unloaded   []jsonModule `json:"unloaded"`
		Unreadable []string     `json:"unreadable"`
	}{loaded, unloaded, unreadable}, nil
}

type jsonFrame struct {
	Frame  string `json:"frame"` // ChildEBP, Child-SP, on ARM64 the frame pointer
	Return string `json:"return"`
	Code   string `json:"code"`
	Place  string `json:"place"`
	Method string `json:"method"`
	Trap   string `json:"trapFrame,omitempty"`
	Remark string `json:"remark,omitempty"` // of debug information: "(FPO: [0,0,4])"
}

func jsonStack(_ context.Context, s *Session, args []string) (any, error) {
	d, err := s.windowsDump("k")
	if err != nil {
		return nil, err
	}
	c, _, count, err := s.stackArgs(d, args, stackStyle{})
	if err != nil {
		return nil, err
	}
	im := s.threadImages(d, c.thread)
	cs, err := s.walk(d, im, c, count)
	if err != nil {
		return nil, err
	}
	frames := []jsonFrame{}
	for _, f := range cs.Frames {
		j := jsonFrame{Frame: s.ptr(f.Frame), Return: s.ptr(f.Return), Code: s.ptr(f.PC), Place: im.place(f.PC), Method: string(f.Method)}
		if f.Trap != 0 {
			j.Trap = s.ptr(f.Trap)
		}
		if f.FPO != nil {
			j.Remark = f.Remark(cs.task)
		}
		frames = append(frames, j)
	}
	return struct {
		From   string      `json:"from"`
		Frames []jsonFrame `json:"frames"`
		Method string      `json:"method"`
		End    string      `json:"end"`
		Notes  []string    `json:"notes"`
	}{c.from, frames, cs.Method, cs.End, nonNil(cs.notes)}, nil
}

type jsonUse struct {
	Name   string `json:"name"`
	Bytes  uint64 `json:"bytes"`
	Frames int    `json:"frames"`
}

type jsonRecursion struct {
	Places []string `json:"places"` // one round, innermost first
	Rounds int      `json:"rounds"`
	Bytes  uint64   `json:"bytes"`
}

type jsonBackingStore struct {
	Base    string `json:"base"`
	Limit   string `json:"limit"`
	Pointer string `json:"pointer"` // "" where it is not known
	Used    uint64 `json:"usedBytes"`
	Percent uint64 `json:"usedPercent"`
}

// jsonCheck is what !stackcheck found. An address that is not known is "".
type jsonCheck struct {
	Code       string            `json:"code"`
	Class      string            `json:"class"`
	Verdict    string            `json:"verdict"`
	Confidence string            `json:"confidence"`
	Evidence   []string          `json:"evidence"`
	Thread     string            `json:"thread"`
	Registers  string            `json:"registers"` // where the interrupted ones are from, "" where they are not known
	At         string            `json:"interruptedAt"`
	Pointer    string            `json:"stackPointer"`
	Limit      string            `json:"limit"`
	Base       string            `json:"base"`
	Used       uint64            `json:"usedBytes"`
	Percent    uint64            `json:"usedPercent"`
	Method     string            `json:"method"` // of the walk
	Frames     int               `json:"frames"`
	Largest    []jsonUse         `json:"largestFrames"`
	Large      []jsonUse         `json:"framesOver400h"`
	Modules    []jsonUse         `json:"modules"`
	Recursion  *jsonRecursion    `json:"recursion,omitempty"`
	BStore     *jsonBackingStore `json:"backingStore,omitempty"`
}

func jsonStackcheck(_ context.Context, s *Session, args []string) (any, error) {
	if err := atMost(args, 0, "!stackcheck"); err != nil {
		return nil, err
	}
	d, err := s.windowsDump("!stackcheck")
	if err != nil {
		return nil, err
	}
	r, err := stackcheck.Check(d)
	if err != nil {
		return nil, err
	}
	known := func(v uint64) string {
		if v == 0 {
			return ""
		}
		return s.ptr(v)
	}
	uses := func(l []stackcheck.Use) []jsonUse {
		out := []jsonUse{}
		for _, u := range l {
			out = append(out, jsonUse{u.Name, u.Bytes, u.Count})
		}
		return out
	}
	j := jsonCheck{
		Code: fmt.Sprintf("%x", r.Code), Class: r.Class, Verdict: string(r.Verdict), Confidence: string(r.Confidence), Evidence: nonNil(r.Evidence),
		Thread: known(r.Thread.Addr), Registers: r.State, At: known(r.PC), Pointer: known(r.SP), Limit: known(r.Limit), Base: known(r.Base),
		Used: r.Used, Percent: r.Percent(), Method: r.Walk.Method, Frames: len(r.Walk.Frames), Largest: uses(r.Largest), Large: uses(r.Large), Modules: uses(r.Modules),
	}
	if c := r.Recursion; c != nil {
		j.Recursion = &jsonRecursion{nonNil(c.Places), c.Rounds, c.Bytes}
	}
	if b := r.BStore; b != nil {
		j.BStore = &jsonBackingStore{s.ptr(b.Base), s.ptr(b.Limit), known(b.Pointer), b.Used, b.Percent()}
	}
	return j, nil
}
