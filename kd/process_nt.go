package kd

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
)

// processDetails prints what NT's record tells of a process's memory and times. What
// is not described for the build is left out.
func (s *Session) processDetails(w *records.World, o *Out, p target.Process) {
	r, err := w.Read(p.Addr, "_EPROCESS")
	if err != nil {
		return
	}
	line := func(name, format string, args ...any) {
		o.Printf("    %s\n", strings.TrimRight(fmt.Sprintf("%-34s%s", name, fmt.Sprintf(format, args...)), " "))
	}
	if v, ok := r.Get("VadRoot"); ok {
		text := "VadRoot " + s.ptr(v)
		if n, ok := r.Get("ModifiedPageCount"); ok {
			text += fmt.Sprintf(" Modified %d.", n)
		}
		o.Printf("    %s\n", text)
	}
	if v, ok := r.Get("DeviceMap"); ok {
		o.Printf("    DeviceMap %s\n", s.ptr(v))
	}
	if v, ok := r.Get("Token"); ok {
		low := uint64(7) // reference counts stand in the low bits of a fast reference
		if s.Target.PointerSize() == 8 {
			low = 15
		}
		line("Token", "%s", s.ptr(v&^low))
	}
	if now := s.Target.Now(); !p.Start.IsZero() && now.After(p.Start) {
		line("ElapsedTime", "%s", clockText(now.Sub(p.Start)))
	}
	if each, known := s.tick(); known {
		for _, name := range []string{"UserTime", "KernelTime"} {
			if v, ok := r.Get("Pcb." + name); ok {
				line(name, "%s", clockText(time.Duration(v)*each))
			}
		}
	}
	if v, ok := r.Get("QuotaUsage[1]"); ok { // by PoolType: 0 nonpaged, 1 paged
		line("QuotaPoolUsage[PagedPool]", "%d", v)
		line("QuotaPoolUsage[NonPagedPool]", "%d", r.U("QuotaUsage[0]"))
	}
	if v, ok := r.Get("Vm.WorkingSetSize"); ok {
		low, high := r.U("Vm.MinimumWorkingSetSize"), r.U("Vm.MaximumWorkingSetSize")
		line("Working Set Sizes (now,min,max)", " (%d, %d, %d) (%dKB, %dKB, %dKB)", v, low, high, v*4, low*4, high*4)
	}
	for _, f := range []struct{ name, path string }{
		{"PeakWorkingSetSize", "Vm.PeakWorkingSetSize"}, {"VirtualSize", "VirtualSize"}, {"PeakVirtualSize", "PeakVirtualSize"},
		{"PageFaultCount", "Vm.PageFaultCount"}, {"CommitCharge", "CommitCharge"},
	} {
		v, ok := r.Get(f.path)
		switch {
		case !ok:
		case strings.HasSuffix(f.name, "VirtualSize"):
			line(f.name, "%d Mb", v>>20)
		default:
			line(f.name, "%d", v)
		}
	}
}
