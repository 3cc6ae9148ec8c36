package kd

import (
	"encoding/binary"
	"fmt"

	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/stack"
)

// A machineContext is where r and k start in a Windows dump: registers, and the
// thread on whose stack they are.
type machineContext struct {
	regs   *ntdump.Registers
	from   string // "processor 0", "trap frame at f8e27d64"
	thread uint64 // 0: not known
	saved  uint64 // bytes below the stack pointer that hold saved registers: of a switched-out thread of x86
}

// registersInUse are those of .cxr, .trap or .tss, else those of the default thread,
// else what the first processor saved.
func (s *Session) registersInUse(d *ntdump.Dump) (machineContext, error) {
	if s.machine.regs != nil {
		return s.machine, nil
	}
	current, known := d.CurrentThread()
	if s.thread != 0 && (!known || s.thread != current) {
		return threadContext(d, s.thread)
	}
	return currentContext(d, current)
}

// currentContext is that of the thread which the dump is about: what the processor
// saved, else what the header has.
func currentContext(d *ntdump.Dump, current uint64) (machineContext, error) {
	c := machineContext{thread: current}
	regs, err := d.ProcessorContext(0)
	if err == nil {
		c.regs, c.from = regs, "processor 0"
		return c, nil
	}
	regs, headerErr := d.Context(d.Header().Context)
	if headerErr != nil || regs.PC() == 0 && regs.SP() == 0 {
		return c, fmt.Errorf("no registers are known: %w", err)
	}
	c.regs, c.from = regs, "the dump's header"
	return c, nil
}

// threadContext is where a thread goes on: what its processor saved while it runs,
// else what the switch away from it left at its KernelStack.
func threadContext(d *ntdump.Dump, addr uint64) (machineContext, error) {
	if current, ok := d.CurrentThread(); ok && current == addr {
		return currentContext(d, addr)
	}
	c := machineContext{thread: addr}
	t := d.Thread(addr)
	for i := range d.Processors() {
		if on, ok := d.ThreadOn(i); !ok || on != addr {
			continue
		}
		regs, err := d.ProcessorContext(i)
		if err != nil {
			return c, err
		}
		c.regs, c.from = regs, fmt.Sprintf("processor %d", i)
		return c, nil
	}
	if t.State == threadRunning {
		return c, fmt.Errorf("the thread at %#x was running: its saved stack pointer is stale, and no processor names it", addr)
	}
	if t.Stack.Kernel == 0 {
		return c, fmt.Errorf("the thread at %#x has no saved stack pointer", addr)
	}
	c.from = fmt.Sprintf("the switch away from thread %x", addr)
	c.regs = &ntdump.Registers{Machine: d.Header().Machine, From: "saved stack pointer"}
	add := func(name string, v uint64, bits int) {
		c.regs.Values = append(c.regs.Values, ntdump.Register{Name: name, Value: v, Bits: bits})
	}
	if _, err := d.Pointer(ntdump.Space{}, t.Stack.Kernel); err != nil {
		return c, fmt.Errorf("the stack of the thread at %#x is not in memory: %w", addr, err)
	}
	switch d.Header().Machine {
	case ntdump.X86:
	case ntdump.X64:
		// Where no return address stands at the usual place, the walk is a scan.
		pc, sp, fp, ok := stack.SwitchedOutX64(d, readImages(d).stack(), t.Stack.Kernel)
		if !ok {
			add("rsp", t.Stack.Kernel, 64)
			return c, nil
		}
		add("rip", pc, 64)
		add("rsp", sp, 64)
		add("rbp", fp, 64)
		return c, nil
	default:
		add("sp", t.Stack.Kernel, 64) // what lies there differs by build: the walk is a scan
		return c, nil
	}
	pc, sp, fp, ok := stack.SwitchedOut(d, t.Stack.Kernel)
	if !ok {
		return c, fmt.Errorf("what the switch away from the thread at %#x saved is not in memory as a whole", addr)
	}
	c.saved = stack.SwitchedBytes
	add("eip", pc, 32)
	add("esp", sp, 32)
	add("ebp", fp, 32)
	var b [12]byte // saved by the switch (reference 5.3a)
	if n, _ := d.ReadMemory(t.Stack.Kernel+0x10, b[:]); n == len(b) {
		for i, name := range []string{"edi", "esi", "ebx"} {
			add(name, uint64(binary.LittleEndian.Uint32(b[4*i:])), 32)
		}
	}
	return c, nil
}

// threadRunning is KTHREAD.State of a thread that a processor runs.
const threadRunning = 2

// setContext makes registers that were saved at an address the context in use and
// prints them. Those of user code were saved on its thread's kernel stack.
func (s *Session) setContext(o *Out, d *ntdump.Dump, regs *ntdump.Registers, at uint64, from string) {
	s.machine = machineContext{regs: regs, from: from, thread: s.threadOf(d, regs.SP())}
	if s.machine.thread == 0 && d.IsUser(regs.SP()) {
		s.machine.thread = s.threadOf(d, at)
	}
	s.registerBlock(o, s.threadImages(d, s.machine.thread), regs)
}

// threadOf is the thread on whose stack an address is: the default one or the one
// that ran, 0 for neither.
func (s *Session) threadOf(d *ntdump.Dump, sp uint64) uint64 {
	current, _ := d.CurrentThread()
	for _, at := range []uint64{s.thread, current} {
		if at == 0 {
			continue
		}
		if onStack(d.Thread(at).Stack, sp) {
			return at
		}
	}
	return 0
}

// onStack says whether a stack pointer is on a stack, or in the guard page below, where
// one that is used up leaves it.
func onStack(st ntdump.Stack, sp uint64) bool {
	return st.Contains(sp) || st.OK && sp < st.Limit && st.Limit-sp <= 0x1000
}

// resetContext goes back to the default registers.
func (s *Session) resetContext(o *Out) {
	s.machine = machineContext{}
	o.Printf("Resetting default scope\n")
}
