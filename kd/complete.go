package kd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
)

// maxCompletions bounds what Complete gives.
const maxCompletions = 200

// Complete gives the lines that the last word of a line can be completed to: names
// of commands, and behind a command the addresses of ports, threads and processes.
// It reads the target for those and prints nothing.
func (s *Session) Complete(ctx context.Context, line string) (lines []string) {
	from := strings.LastIndexByte(line, ';') + 1
	command := strings.TrimLeft(line[from:], " ")
	head := line[:len(line)-len(command)]
	for _, c := range Commands() {
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			if len(name) > len(command) && strings.EqualFold(name[:len(command)], command) {
				lines = append(lines, head+name)
			}
		}
	}
	word := command[strings.LastIndexByte(command, ' ')+1:]
	if _, _, ok := lookup(strings.Fields(command)); !ok || word == command {
		return lines
	}
	for _, a := range s.addresses(ctx) {
		if strings.HasPrefix(a, strings.ToLower(word)) && len(lines) < maxCompletions {
			lines = append(lines, line[:len(line)-len(word)]+a)
		}
	}
	return lines
}

// addresses are those of processes, ports and threads, sorted.
func (s *Session) addresses(ctx context.Context) (list []string) {
	if s.Target.System() == nil || target.Refresh(s.Target) != nil {
		return nil
	}
	var parts records.Part
	if s.Target.Has(lpcNeeds) {
		parts = records.Ports | records.Threads
	}
	w, err := s.look(ctx, parts)
	if err != nil {
		return nil
	}
	add := func(addr uint64) { list = append(list, fmt.Sprintf("%0*x", 2*s.Target.PointerSize(), addr)) }
	for _, p := range w.Processes {
		add(p.Addr)
	}
	for _, p := range w.Ports {
		add(p.Addr)
	}
	for _, t := range w.Threads {
		add(t.Addr)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
