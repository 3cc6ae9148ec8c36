package ntdump

import "github.com/seed-eedd8485/lpc/bin"

// readHeader32 reads the header of a dump of a 32-bit machine (reference 3.1).
func readHeader32(r *bin.Reader) (*Header, error) {
	f := fields{r.Sub("32-bit dump header", 0, header32Bytes)}
	h := &Header{
		Bits:      32,
		Major:     uint32(f.u32("MajorVersion", 0x08).or0()),
		Build:     uint32(f.u32("MinorVersion", 0x0c).or0()),
		DTB:       f.u32("DirectoryTableBase", 0x10).or0(),
		PfnData:   f.u32("PfnDataBase", 0x14).or0(),
		Modules:   f.u32("PsLoadedModuleList", 0x18).or0(),
		Processes: f.u32("PsActiveProcessHead", 0x1c).or0(),
		Machine:   Machine(f.u32("MachineImageType", 0x20).or0()),
		CPUs:      uint32(f.u32("NumberProcessors", 0x24).or0()),
		Version:   f.text("VersionUser", 0x3c, 32),
		Debugger:  f.u32("KdDebuggerDataBlock", 0x60).or0(),
		Comment:   f.text("Comment", 0x820, 128),
		Type:      Type(f.u32("DumpType", 0xf88).or0()),
		Product:   f.u32("ProductType", 0xf94),
		Suite:     f.u32("SuiteMask", 0xf98),
		Status:    f.u32("WriterStatus", 0xf9c),
		Size:      f.u64("RequiredDumpSpace", 0xfa0).or0(),
		Uptime:    span(f.u64("SystemUpTime", 0xfb8)),
		Time:      FileTime(f.u64("SystemTime", 0xfc0).or0()),
	}
	code := f.u32("BugCheckCode", 0x28)
	h.BugCheck = BugCheck{Code: uint32(code.or0()), OK: code.OK}
	for i := range h.BugCheck.Params {
		h.BugCheck.Params[i] = f.u32("BugCheckParameter", 0x2c+4*int64(i)).Value
	}
	// One byte: 0 or 1. The filler is 'P'.
	f.Seek("PaeEnabled", 0x5c)
	if pae := f.U8("PaeEnabled"); pae <= 1 {
		h.PAE = Known{uint64(pae), f.Err() == nil}
	}
	f.Seek("ContextRecord", 0x320)
	h.Context = record(f.Bytes("ContextRecord", 1200, 1200))
	h.Exception = exception32(f, 0x7d0)
	if hasMemoryBlock(h.Type) {
		// {u32 NumberOfRuns, u32 NumberOfPages, {u32 base, u32 count}...} in 700 bytes.
		n := f.u32("NumberOfRuns", 0x64)
		h.runPages = f.u32("NumberOfPages", 0x68)
		if n.OK {
			for i := range f.Count("NumberOfRuns", n.Value, 8, (0x320-0x6c)/8) {
				base := f.u32("BasePage", 0x6c+8*int64(i))
				count := f.u32("PageCount", 0x70+8*int64(i))
				h.runs = append(h.runs, run{base: base.Value, count: count.Value})
			}
		}
	}
	return h, f.Err()
}

// record is a saved record, nil where the filler or nothing stands.
func record(b []byte) []byte {
	if len(b) < 8 || string(b[:8]) == "PAGEPAGE" {
		return nil
	}
	for _, c := range b {
		if c != 0 {
			return b
		}
	}
	return nil
}

// hasMemoryBlock says whether a dump of the type lists physical runs in its
// header. A type that is left out is a full dump of an old writer.
func hasMemoryBlock(t Type) bool { return t == Full || t == 0 }
