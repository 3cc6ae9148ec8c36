package ntdump

import (
	"strconv"
	"strings"
	"time"
)

// Of the page that the kernel shares with all processes (KUSER_SHARED_DATA of the
// Windows driver kit's headers, which assert these offsets).
const (
	sharedX86     = 0xffdf0000
	sharedX64     = 0xfffff78000000000
	sharedUp      = 0x008 // InterruptTime, 100 ns: low, high, high again
	sharedTime    = 0x014 // SystemTime, FILETIME: the same
	sharedBuild   = 0x260 // NtBuildNumber, since Windows 10
	sharedProduct = 0x264 // NtProductType
	sharedSuite   = 0x2d0 // SuiteMask
	sharedBytes   = 0x2d4
)

// maxBuild is more than any build's number.
const maxBuild = 1 << 17

// fillHeader makes of an image's debugger data what the header of a dump says. What
// is not in memory stays unknown.
func (d *Dump) fillHeader() {
	h, k := d.header, d.Debugger()
	h.Debugger = k.Addr
	h.Modules, _ = k.Address(PsLoadedModuleList)
	h.Processes, _ = k.Address(PsActiveProcessHead)
	if at, ok := k.Address(MmPfnDatabase); ok {
		h.PfnData, _ = d.Pointer(Space{}, at)
	}
	d.fillShared()
	if lab := d.buildLab(); lab != "" {
		number, _, _ := strings.Cut(lab, ".")
		if n, err := strconv.ParseUint(number, 10, 32); err == nil && n < maxBuild {
			h.Build = uint32(n)
		}
	}
	if h.Build == 0 {
		d.note("neither the kernel's NtBuildLab nor the shared page tells the build")
	}
	for h.CPUs < maxProcessors {
		if _, err := d.Prcb(int(h.CPUs)); err != nil {
			break
		}
		h.CPUs++
	}
	d.fillBugCheck()
}

// fillShared reads the shared page.
func (d *Dump) fillShared() {
	h, at := d.header, uint64(sharedX64)
	if h.Bits == 32 {
		at = sharedX86
	}
	b := make([]byte, sharedBytes)
	if _, err := d.ReadMemory(at, b); err != nil {
		return
	}
	pair := func(off int) Known { // the two halves are written around the third word
		low, high, again := Word(b[off:], 4), Word(b[off+4:], 4), Word(b[off+8:], 4)
		return Known{low | high<<32, high == again && low|high != 0}
	}
	h.Time, h.Uptime = FileTime(pair(sharedTime).or0()), span(pair(sharedUp))
	if h.Time.Before(time.Date(1993, 1, 1, 0, 0, 0, 0, time.UTC)) {
		h.Time = time.Time{} // older than Windows NT: no time stands there
	}
	if v := Word(b[sharedProduct:], 4); v >= 1 && v <= 3 {
		h.Product = Known{v, true}
		h.Suite = Known{Word(b[sharedSuite:], 4), true}
	}
	if v := Word(b[sharedBuild:], 4) & 0xffff; v >= 10240 {
		h.Build = uint32(v)
	}
}

// buildLab is the text that NtBuildLab holds: "2600.xpsp_sp3_gdr.101209-1647".
func (d *Dump) buildLab() string {
	at, ok := d.Debugger().Address(NtBuildLab)
	if !ok {
		return ""
	}
	var b [64]byte
	n, _ := d.ReadMemory(at, b[:])
	return cString(b[:n])
}

// fillBugCheck reads KiBugCheckData: the code and its parameters, which stand there
// when the machine was stopping or had stopped.
func (d *Dump) fillBugCheck() {
	at, ok := d.Debugger().Address(KiBugcheckData)
	if !ok {
		return
	}
	ptr := uint64(d.PointerSize())
	var v [5]uint64
	for i := range v {
		var err error
		if v[i], err = d.Pointer(Space{}, at+uint64(i)*ptr); err != nil {
			return
		}
	}
	if v[0] != 0 && v[0]>>32 == 0 {
		d.header.BugCheck = BugCheck{Code: uint32(v[0]), Params: [4]uint64(v[1:]), OK: true}
	}
}

// useSystemTables makes the tables of the first process, which is System, those of the
// kernel: the search may have come upon those of any other. They are taken when the
// debugger data reads the same through them.
func (d *Dump) useSystemTables() {
	for p := range d.Processes() {
		if p.DTB == 0 || p.DTB == d.header.DTB {
			return
		}
		t, err := d.Translate(Space{DTB: p.DTB}, d.header.Debugger)
		own, ownErr := d.Translate(Space{}, d.header.Debugger)
		if err == nil && ownErr == nil && t.Absent == nil && t.Physical == own.Physical {
			d.header.DTB = p.DTB
		}
		return
	}
}
