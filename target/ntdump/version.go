package ntdump

import (
	"fmt"

	nt "github.com/seed-eedd8485/lpc/ntdump"
)

// windows are the names of builds, from the newest: each holds for its build and
// those up to the next. The second name is the server's, where it had one of its
// own (release information on learn.microsoft.com; ProductType tells which it is).
var windows = []struct {
	build          uint32
	client, server string
}{
	{26100, "Windows 11", "Windows Server 2025"},
	{22000, "Windows 11", "Windows Server"},
	{20348, "Windows 10", "Windows Server 2022"},
	{17763, "Windows 10", "Windows Server 2019"},
	{14393, "Windows 10", "Windows Server 2016"},
	{10240, "Windows 10", "Windows Server"},
	{9600, "Windows 8.1", "Windows Server 2012 R2"},
	{9200, "Windows 8", "Windows Server 2012"},
	{7600, "Windows 7", "Windows Server 2008 R2"},
	{6000, "Windows Vista", "Windows Server 2008"},
	{3790, "Windows XP", "Windows Server 2003"}, // of clients, XP Professional x64 alone has this build
	{2600, "Windows XP", "Windows XP"},
	{2195, "Windows 2000", "Windows 2000 Server"},
}

// Version is the name of the Windows that was dumped: "Windows XP", or "Windows NT"
// where the build tells no more.
func (t *Target) Version() string {
	h := t.d.Header()
	for _, w := range windows {
		switch {
		case h.Build < w.build:
			continue
		case h.Build == 3790 && h.Machine == nt.X86: // no 32-bit client has it
			return w.server
		case h.Product.OK && h.Product.Value != 1: // VER_NT_WORKSTATION of winnt.h
			return w.server
		}
		return w.client
	}
	return "Windows NT"
}

// Describe is target.Target's.
func (t *Target) Describe() string {
	h := t.d.Header()
	line := fmt.Sprintf("%s build %d", t.Version(), h.Build)
	if p := t.d.ServicePackNumber(); p.OK && p.Value != 0 {
		line += fmt.Sprintf(" service pack %d", p.Value)
	}
	line += " " + h.Machine.String()
	switch {
	case h.Type == nt.MemoryImage:
		line += ", " + h.Image
	default:
		line += fmt.Sprintf(", %s dump", h.Type)
	}
	if t.path != "" {
		line += " " + t.path
	}
	if !h.Time.IsZero() && h.Type == nt.MemoryImage {
		line += ", at " + h.Time.Format("2006-01-02 15:04:05 UTC")
	} else if !h.Time.IsZero() {
		line += ", written " + h.Time.Format("2006-01-02 15:04:05 UTC")
	}
	return line
}
