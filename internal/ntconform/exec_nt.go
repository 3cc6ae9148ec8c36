package ntconform

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/nt"
)

// nt makes the call.
func (c *call) nt(t *nt.Thread) nt.Status {
	switch c.req["call"] {
	case "NtCreatePort", "NtCreateWaitablePort":
		f := t.NtCreatePort
		if c.req["call"] == "NtCreateWaitablePort" {
			f = t.NtCreateWaitablePort
		}
		return f(out[nt.Handle](c, "PortHandle"), c.attributes(), c.u32("MaxConnectionInfoLength"), c.u32("MaxMessageLength"), c.u32("MaxPoolUsage"))
	case "NtConnectPort":
		return t.NtConnectPort(out[nt.Handle](c, "PortHandle"), c.text("PortName"), c.qos("SecurityQos"), c.view("ClientView"), c.remote("ServerView"),
			out[uint32](c, "MaxMessageLength"), c.bytes("ConnectionInformation"), out[uint32](c, "ConnectionInformationLength"))
	case "NtSecureConnectPort":
		return t.NtSecureConnectPort(out[nt.Handle](c, "PortHandle"), c.text("PortName"), c.qos("SecurityQos"), c.view("ClientView"), c.sid("ServerSid"), c.remote("ServerView"),
			out[uint32](c, "MaxMessageLength"), c.bytes("ConnectionInformation"), out[uint32](c, "ConnectionInformationLength"))
	case "NtListenPort":
		return t.NtListenPort(c.handle("PortHandle"), c.message("ConnectionRequest"))
	case "NtAcceptConnectPort":
		return t.NtAcceptConnectPort(out[nt.Handle](c, "PortHandle"), uintptr(c.number("PortContext")), c.message("ConnectionRequest"), c.number("AcceptConnection") != 0,
			c.view("ServerView"), c.remote("ClientView"))
	case "NtCompleteConnectPort":
		return t.NtCompleteConnectPort(c.handle("PortHandle"))
	case "NtRequestPort":
		return t.NtRequestPort(c.handle("PortHandle"), c.message("RequestMessage"))
	case "NtRequestWaitReplyPort":
		m := c.message("RequestMessage")
		return t.NtRequestWaitReplyPort(c.handle("PortHandle"), m, c.same("ReplyMessage", m))
	case "NtReplyPort":
		return t.NtReplyPort(c.handle("PortHandle"), c.message("ReplyMessage"))
	case "NtReplyWaitReplyPort":
		return t.NtReplyWaitReplyPort(c.handle("PortHandle"), c.message("ReplyMessage"))
	case "NtReplyWaitReceivePort":
		m := c.message("ReplyMessage")
		return t.NtReplyWaitReceivePort(c.handle("PortHandle"), out[uintptr](c, "PortContext"), m, c.same("ReceiveMessage", m))
	case "NtReplyWaitReceivePortEx":
		m := c.message("ReplyMessage")
		return t.NtReplyWaitReceivePortEx(c.handle("PortHandle"), out[uintptr](c, "PortContext"), m, c.same("ReceiveMessage", m), out[int64](c, "Timeout"))
	case "NtImpersonateClientOfPort":
		return t.NtImpersonateClientOfPort(c.handle("PortHandle"), c.message("Message"))
	case "NtReadRequestData", "NtWriteRequestData":
		f := t.NtReadRequestData
		if c.req["call"] == "NtWriteRequestData" {
			f = t.NtWriteRequestData
		}
		return f(c.handle("PortHandle"), c.message("Message"), c.u32("DataEntryIndex"), c.bytes("Buffer"), out[uint64](c, "NumberOfBytes"))
	case "NtQueryInformationPort":
		return t.NtQueryInformationPort(c.handle("PortHandle"), c.u32("PortInformationClass"), c.bytes("PortInformation"), out[uint32](c, "ReturnLength"))
	case "NtRegisterThreadTerminatePort":
		return t.NtRegisterThreadTerminatePort(c.handle("PortHandle"))
	}
	return c.objects(t)
}

// objects are the calls around those of ports.
func (c *call) objects(t *nt.Thread) nt.Status {
	switch c.req["call"] {
	case "NtCreateSection":
		return t.NtCreateSection(out[nt.Handle](c, "SectionHandle"), c.u32("DesiredAccess"), nil, out[int64](c, "MaximumSize"),
			c.u32("SectionPageProtection"), c.u32("AllocationAttributes"), c.handle("FileHandle"))
	case "NtMapViewOfSection":
		return t.NtMapViewOfSection(c.handle("SectionHandle"), c.handle("ProcessHandle"), out[uintptr](c, "BaseAddress"), c.number("ZeroBits"), c.number("CommitSize"),
			out[int64](c, "SectionOffset"), out[uint64](c, "ViewSize"), c.u32("InheritDisposition"), c.u32("AllocationType"), c.u32("Win32Protect"))
	case "NtUnmapViewOfSection":
		return t.NtUnmapViewOfSection(c.handle("ProcessHandle"), uintptr(c.number("BaseAddress")))
	case "NtDuplicateObject":
		return t.NtDuplicateObject(c.handle("SourceProcessHandle"), c.handle("SourceHandle"), c.handle("TargetProcessHandle"), out[nt.Handle](c, "TargetHandle"),
			c.u32("DesiredAccess"), c.u32("HandleAttributes"), c.u32("Options"))
	case "NtClose":
		return t.NtClose(c.handle("Handle"))
	case "NtWaitForSingleObject":
		return t.NtWaitForSingleObject(c.handle("Handle"), c.number("Alertable") != 0, out[int64](c, "Timeout"))
	case "NtSetInformationThread":
		return t.NtSetInformationThread(c.handle("ThreadHandle"), c.u32("ThreadInformationClass"), c.bytes("ThreadInformation"))
	}
	c.err = fmt.Errorf("there is no call %q", c.req["call"])
	return 0
}
