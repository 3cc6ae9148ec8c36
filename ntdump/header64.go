package ntdump

import "github.com/seed-eedd8485/lpc/bin"

// readHeader64 reads the header of a dump of a 64-bit machine (reference 3.2).
func readHeader64(r *bin.Reader) (*Header, error) {
	f := fields{r.Sub("64-bit dump header", 0, header64Bytes)}
	h := &Header{
		Bits:      64,
		Major:     uint32(f.u32("MajorVersion", 0x08).or0()),
		Build:     uint32(f.u32("MinorVersion", 0x0c).or0()),
		DTB:       f.u64("DirectoryTableBase", 0x10).or0(),
		PfnData:   f.u64("PfnDataBase", 0x18).or0(),
		Modules:   f.u64("PsLoadedModuleList", 0x20).or0(),
		Processes: f.u64("PsActiveProcessHead", 0x28).or0(),
		Machine:   Machine(f.u32("MachineImageType", 0x30).or0()),
		CPUs:      uint32(f.u32("NumberProcessors", 0x34).or0()),
		Version:   f.text("VersionUser", 0x60, 32),
		Debugger:  f.u64("KdDebuggerDataBlock", 0x80).or0(),
		Type:      Type(f.u32("DumpType", 0xf98).or0()),
		Size:      f.u64("RequiredDumpSpace", 0xfa0).or0(),
		Time:      FileTime(f.u64("SystemTime", 0xfa8).or0()),
		Comment:   f.text("Comment", 0xfb0, 128),
		Uptime:    span(f.u64("SystemUpTime", 0x1030)),
		Product:   f.u32("ProductType", 0x1040),
		Suite:     f.u32("SuiteMask", 0x1044),
		Status:    f.u32("WriterStatus", 0x1048),
	}
	code := f.u32("BugCheckCode", 0x38)
	h.BugCheck = BugCheck{Code: uint32(code.or0()), OK: code.OK}
	for i := range h.BugCheck.Params {
		h.BugCheck.Params[i] = f.u64("BugCheckParameter", 0x40+8*int64(i)).Value
	}
	f.Seek("ContextRecord", 0x348)
	h.Context = record(f.Bytes("ContextRecord", 3000, 3000))
	h.Exception = exception64(f, 0xf00)
	if hasMemoryBlock(h.Type) {
		// {u32 NumberOfRuns, u32, u64 NumberOfPages, {u64 base, u64 count}...}.
		n := f.u32("NumberOfRuns", 0x88)
		h.runPages = f.u64("NumberOfPages", 0x90)
		if n.OK {
			for i := range f.Count("NumberOfRuns", n.Value, 16, (0x348-0x98)/16) {
				base := f.u64("BasePage", 0x98+16*int64(i))
				count := f.u64("PageCount", 0xa0+16*int64(i))
				h.runs = append(h.runs, run{base: base.Value, count: count.Value})
			}
		}
	}
	return h, f.Err()
}
