package kd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/kd/pooltag"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/symbols"
)

// A Session is a target with the settings that commands change. It is for one
// goroutine.
type Session struct {
	Target target.Target
	// JSON prints one JSON object a line for each command instead of text.
	JSON bool
	// Status is what the last command that has a verdict found: 0 nothing, 1 proved,
	// 3 possible only. It is the exit status of lpc kd -c.
	Status int
	// Open opens a further file, which !pooldiff compares with; nil: it cannot.
	Open func(path string) (target.Target, error)

	poolSearch bool
	process    uint64 // default process's address, 0: none was set
	thread     uint64
	reader     *records.Reader
	scratch    scratch            // laid over the target, never in it
	codeAt     codeAt             // where u and ur go on
	free       uint64             // $free, what !findfree found last; 0: nothing
	machine    machineContext     // of .cxr, .trap or .tss; no registers: none was set
	modules    map[uint64]*images // of a Windows dump by process, for one command; nil: not read yet
	tags       *pooltag.Table     // of .pooltag; nil: none
	tagsFile   string
	symbols    symbols.Store // where a Windows dump's symbol files are looked for
	isf        isf.Types     // what .isf named; nil: nothing
}

// Statuses of a session.
const (
	StatusNone     = 0
	StatusProved   = 1
	StatusPossible = 3
)

// ErrQuit is what Run returns for q.
var ErrQuit = errors.New("quit")

// NewSession begins a session on t, which stays the caller's to close.
func NewSession(t target.Target) *Session {
	return &Session{Target: t, reader: records.NewReader(t)}
}

// Run carries out the commands of a line, joined by semicolons, and prints to w. It
// stops at the first that fails; the error is a sentence. ctx ends a command in the
// middle.
func (s *Session) Run(ctx context.Context, w io.Writer, line string) error {
	cmds, err := split(line)
	if err != nil {
		return err
	}
	for _, words := range cmds {
		c, args, ok := lookup(words)
		if !ok {
			return unknown(words)
		}
		if err := s.run(ctx, w, c, args); err != nil {
			return err
		}
	}
	return nil
}

func unknown(words []string) error {
	if strings.EqualFold(words[0], "!lpc") {
		return fmt.Errorf("!lpc has no command %s; !lpc lists them", escape.Text(words[1]))
	}
	return fmt.Errorf("there is no command %s; .help lists them", escape.Text(words[0]))
}

func (s *Session) run(ctx context.Context, w io.Writer, c *Command, args []string) error {
	if c.Refuse != nil {
		if err := c.Refuse(s); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	if why := s.Target.Lacks(c.Needs); why != "" {
		return fmt.Errorf("%s: %s", c.Name, escape.Text(why))
	}
	if c.Needs&(target.Objects|target.Threads|target.Pools) != 0 && s.Target.System() == nil {
		return fmt.Errorf("%s: this target shows no objects", c.Name)
	}
	if err := target.Refresh(s.Target); err != nil {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	s.modules = nil
	if !s.JSON {
		o := &Out{w: w}
		if err := c.Run(ctx, s, o, args); err != nil {
			return err
		}
		return o.err
	}
	v, err := s.value(ctx, c, args)
	if err != nil {
		return err
	}
	return escape.JSON(w, v)
}

// value is what a command gives as JSON: its own form, else its text.
func (s *Session) value(ctx context.Context, c *Command, args []string) (any, error) {
	if c.JSON != nil {
		v, err := c.JSON(ctx, s, args)
		return struct {
			Command string `json:"command"`
			Result  any    `json:"result"`
		}{c.Name, v}, err
	}
	var b strings.Builder
	o := &Out{w: &b}
	err := c.Run(ctx, s, o, args)
	return struct {
		Command string `json:"command"`
		Text    string `json:"text"`
	}{c.Name, b.String()}, err
}

// look reads parts of the target.
func (s *Session) look(ctx context.Context, parts records.Part) (*records.World, error) {
	return records.Look(ctx, s.reader, parts)
}
