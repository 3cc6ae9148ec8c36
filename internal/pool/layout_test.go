package pool

import (
	"encoding/json"
	"fmt"
	"testing"
)

// offsets is written by hand: what a debugger may rely on. The first 0x100 bytes of
// a port and the first 0x50 of a message are NT's 64-bit layout.
var offsets = map[string]map[string]int{
	"_LPC_POOL_EXTENT": {"Magic": 0, "Pool": 8, "Index": 12, "Size": 16, "Tail": 24},
	"_LPC_POOL_BLOCK":  {"Magic": 0, "Size": 4, "Tag": 8, "State": 12, "Owner": 16, "Sequence": 24},
	"_LPC_POOL_HEADER": {
		"Version": 0, "HeaderSize": 4, "ProcessId": 8, "Extents": 12, "StartTime": 16, "Types": 24, "TypesLength": 32,
		"ClockTicks": 40, "ClockWall": 48, "ClockHz": 56, "Limit": 64, "Used": 72, "Blocks": 80, "Locked": 88, "Flags": 92,
		"Failures": 96, "FailureSize": 104, "FailureTag": 112, "ParentID": 116, "FailureQuota": 120, "HandleTable": 152, "HandleCount": 160,
		"NextThread": 168, "Program": 176, "FailedMessages": 208, "Trackers": 216,
	},
	"_LIST_ENTRY":   {"Flink": 0, "Blink": 8},
	"_CLIENT_ID":    {"UniqueProcess": 0, "UniqueThread": 8},
	"_PORT_MESSAGE": {"DataLength": 0, "TotalLength": 2, "Type": 4, "DataInfoOffset": 6, "ClientId": 8, "MessageId": 0x18, "CallbackId": 0x20},
	"_LPCP_PORT_QUEUE": {
		"NonPagedPortQueue": 0, "Semaphore": 8, "ReceiveHead": 16,
	},
	"_SECURITY_QUALITY_OF_SERVICE": {"Length": 0, "ImpersonationLevel": 4, "ContextTrackingMode": 8, "EffectiveOnly": 9},
	"_SECURITY_CLIENT_CONTEXT": {
		"SecurityQos": 0, "ClientToken": 16, "DirectlyAccessClientToken": 24, "DirectAccessEffectiveOnly": 25,
		"ServerIsRemote": 26, "ClientTokenControl": 32,
	},
	"_LPCP_PORT_OBJECT": {
		"ConnectionPort": 0, "ConnectedPort": 8, "MsgQueue": 0x10, "Creator": 0x30, "ClientSectionBase": 0x40,
		"ServerSectionBase": 0x48, "PortContext": 0x50, "ClientThread": 0x58, "SecurityQos": 0x60, "StaticSecurity": 0x70,
		"LpcReplyChainHead": 0xb8, "LpcDataInfoChainHead": 0xc8, "ServerProcess": 0xd8, "MaxMessageLength": 0xe0,
		"MaxConnectionInfoLength": 0xe2, "Flags": 0xe4, "WaitEvent": 0xe8,
		"Channel": 0x100, "PeerProcess": 0x108, "PeerUID": 0x110, "PeerGID": 0x114, "HandleCount": 0x118, "PointerCount": 0x11c,
		"Handle": 0x120, "Connections": 0x124, "QueueLength": 0x128, "InProgress": 0x12c, "Calls": 0x130, "Datagrams": 0x138,
		"Failures": 0x140, "Created": 0x148, "ServerThread": 0x150, "Name": 0x158, "NameLength": 0x160, "MaxWorkers": 0x168, "MaxSectionBytes": 0x170,
	},
	"_LPCP_MESSAGE": {
		"Entry": 0, "SenderPort": 0x10, "RepliedToThread": 0x18, "PortContext": 0x20, "Request": 0x28, "Data": 0x50,
		"ReplyChain": 0x180, "ServerThread": 0x190, "Channel": 0x198, "Generation": 0x1a0, "Slot": 0x1a8, "State": 0x1ac,
		"Index": 0x1b0, "ReceiveTime": 0x1b8, "ServeTime": 0x1c0, "SectionAddress": 0x1c8, "SectionLength": 0x1d0,
	},
	"_ETHREAD": {
		"Cid": 0, "LpcReplyChain": 0x10, "LpcWaitingOnPort": 0x20, "LpcReplyMessageId": 0x28, "LpcReceivedMessageId": 0x2c,
		"SameThreadApcFlags": 0x30, "WaitReason": 0x34, "WaitStart": 0x38, "WaitChannel": 0x40, "WaitGeneration": 0x48,
		"WaitSlot": 0x50, "WaitDirection": 0x54, "Serving": 0x58, "Parent": 0x60, "ParentID": 0x68, "ParentKnown": 0x6c,
		"CallArguments": 0x70, "CallName": 0x90, "ServerPort": 0xb0, "Stack": 0xb8,
		"ImpersonationInfo": 0xc0,
	},
	"_PS_IMPERSONATION_INFORMATION": {"Token": 0, "CopyOnOpen": 8, "EffectiveOnly": 9, "ImpersonationLevel": 12},
	"_LPC_STACK":                    {"Count": 0, "Frames": 8},
	"_LPC_FRAME":                    {"PC": 0, "Line": 8, "Function": 0x10, "File": 0x80},
	"_LPC_FAILED_RING":              {"Written": 0, "Entries": 0x10},
	"_LPC_FAILED_MESSAGE":           {"Time": 0, "MessageId": 8, "Cause": 12, "Length": 0x10, "Limit": 0x18, "PeerProcess": 0x20, "Port": 0x28},
	"_LPC_SECTION":                  {"Port": 0, "Number": 8, "Mine": 12, "Base": 16, "Size": 24, "Used": 32, "Blocks": 40, "UserTag": 48, "Allocs": 56, "Frees": 64, "Stack": 72},
	"_LPC_POOL_TRACKER":             {"Key": 0, "Allocs": 8, "Frees": 16, "Bytes": 24, "Failures": 32, "LargeAllocs": 40, "LargeFrees": 48},
	"_LPC_POOL_TRACKER_TABLE":       {"Next": 0, "Count": 8, "Entries": 16},
	"_LPC_TOKEN":                    {"ProcessId": 0, "UID": 4, "GID": 8, "GroupCount": 12, "Groups": 16},
	"_HANDLE_TABLE_ENTRY":           {"Object": 0, "GrantedAccess": 8},
	"_HANDLE_TABLE":                 {"Next": 0, "First": 8, "Count": 12, "Entries": 16},
}

var sizes = map[string]int{
	"_LPC_POOL_EXTENT": 0x40, "_LPC_POOL_BLOCK": 0x20, "_LPC_POOL_HEADER": 0xe0, "_LIST_ENTRY": 0x10, "_CLIENT_ID": 0x10,
	"_PORT_MESSAGE": 0x28, "_LPCP_PORT_QUEUE": 0x20, "_SECURITY_QUALITY_OF_SERVICE": 12, "_SECURITY_CLIENT_CONTEXT": 0x48,
	"_LPCP_PORT_OBJECT": 0x178, "_LPCP_MESSAGE": 0x1d8, "_ETHREAD": 0xc8, "_LPC_SECTION": 0x50, "_LPC_TOKEN": 0x80,
	"_HANDLE_TABLE_ENTRY": 0x10, "_HANDLE_TABLE": 0x3e0,
	"_PS_IMPERSONATION_INFORMATION": 0x10, "_LPC_STACK": 0xf8, "_LPC_FRAME": 0x100, "_LPC_FAILED_MESSAGE": 0x70, "_LPC_FAILED_RING": 0x1c10,
	"_LPC_POOL_TRACKER": 0x40, "_LPC_POOL_TRACKER_TABLE": 0x7d0,
}

// TestTypeDescription reads the description that a pool carries and holds every
// offset and size in it against the table.
func TestTypeDescription(t *testing.T) {
	p, err := Process()
	if err != nil {
		t.Fatal(err)
	}
	text := bytesAt(p.at(p.hdr.Types.Offset()), int(p.hdr.TypesLength))
	var f isfFile
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	for name, s := range f.UserTypes {
		want, known := offsets[name]
		if !known {
			t.Errorf("struct %s is not in the table", name)
			continue
		}
		if s.Size != sizes[name] {
			t.Errorf("sizeof %s is %#x, want %#x", name, s.Size, sizes[name])
		}
		for field, fl := range s.Fields {
			if off, ok := want[field]; !ok || off != fl.Offset {
				t.Errorf("%s.%s at %#x, want %#x (in the table: %v)", name, field, fl.Offset, off, ok)
			}
			if err := resolvable(&f, &fl.Type); err != nil {
				t.Errorf("%s.%s: %v", name, field, err)
			}
		}
		for field := range want {
			if _, ok := s.Fields[field]; !ok {
				t.Errorf("%s.%s is in the table and not in the description", name, field)
			}
		}
	}
	for name := range offsets {
		if _, ok := f.UserTypes[name]; !ok {
			t.Errorf("struct %s is in the table and not in the description", name)
		}
	}
}

// resolvable: a type names only types that the description has.
func resolvable(f *isfFile, ty *isfType) error {
	switch ty.Kind {
	case "base":
		if _, ok := f.BaseTypes[ty.Name]; !ok {
			return fmt.Errorf("base type %q is not described", ty.Name)
		}
	case "struct":
		if _, ok := f.UserTypes[ty.Name]; !ok {
			return fmt.Errorf("struct %q is not described", ty.Name)
		}
	case "array":
		if ty.Count == 0 || ty.Subtype == nil {
			return fmt.Errorf("array of %d", ty.Count)
		}
		return resolvable(f, ty.Subtype)
	default:
		return fmt.Errorf("kind %q", ty.Kind)
	}
	return nil
}
