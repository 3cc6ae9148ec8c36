package wire

import (
	"testing"
	"unsafe"
)

func TestLayout(t *testing.T) {
	var m PortMessage
	var d DataInfo
	for _, c := range []struct {
		field string
		got   uintptr
		want  uintptr
	}{
		{"PortMessage.DataLength", unsafe.Offsetof(m.DataLength), 0},
		{"PortMessage.TotalLength", unsafe.Offsetof(m.TotalLength), 2},
		{"PortMessage.Type", unsafe.Offsetof(m.Type), 4},
		{"PortMessage.DataInfoOffset", unsafe.Offsetof(m.DataInfoOffset), 6},
		{"PortMessage.ClientID.UniqueProcess", unsafe.Offsetof(m.ClientID) + unsafe.Offsetof(m.ClientID.UniqueProcess), 8},
		{"PortMessage.ClientID.UniqueThread", unsafe.Offsetof(m.ClientID) + unsafe.Offsetof(m.ClientID.UniqueThread), 0x10},
		{"PortMessage.MessageID", unsafe.Offsetof(m.MessageID), 0x18},
		{"PortMessage.CallbackID", unsafe.Offsetof(m.CallbackID), 0x20},
		{"sizeof PortMessage", unsafe.Sizeof(m), 0x28},
		{"DataInfo.Count", unsafe.Offsetof(d.Count), 0},
		{"DataInfo.Base", unsafe.Offsetof(d.Base), 8},
		{"DataInfo.DataLength", unsafe.Offsetof(d.DataLength), 0x10},
		{"sizeof DataInfo", unsafe.Sizeof(d), DataInfoSize},
	} {
		if c.got != c.want {
			t.Errorf("%s at %#x, want %#x", c.field, c.got, c.want)
		}
	}
	if MaxMessage != 0x158 || MaxInline != 304 || MaxConnInfo != 260 {
		t.Errorf("limits %#x %d %d, want 0x158 304 260", MaxMessage, MaxInline, MaxConnInfo)
	}
}

func TestCheck(t *testing.T) {
	msg := func(data, total, info uint16) PortMessage {
		return PortMessage{DataLength: data, TotalLength: total, DataInfoOffset: info}
	}
	for _, c := range []struct {
		m  PortMessage
		ok bool
	}{
		{msg(0, 0x28, 0), true},
		{msg(303, 0x28+303, 0), true},
		{msg(304, 0x28+304, 0), true},
		{msg(305, 0x28+305, 0), false},
		{msg(0xffff, 0x27, 0), false},
		{msg(10, 0x28, 0), false},
		{msg(10, 0x28+11, 0), false},
		{msg(0x18, 0x40, 0x28), true},
		{msg(0x18, 0x40, 0x29), false},
		{msg(0x19, 0x41, 0x28), false},
		{msg(0x18, 0x40, 0xffff), false},
	} {
		if err := c.m.Check(); (err == nil) != c.ok {
			t.Errorf("Check of data %d total %d info %#x: %v, want ok %v", c.m.DataLength, c.m.TotalLength, c.m.DataInfoOffset, err, c.ok)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(uint16(0), uint16(0x28), uint16(0))
	f.Add(uint16(0x18), uint16(0x40), uint16(0x28))
	f.Fuzz(func(t *testing.T, data, total, info uint16) {
		m := PortMessage{DataLength: data, TotalLength: total, DataInfoOffset: info}
		if m.Check() == nil && (int(data) > MaxInline || int(total) != int(data)+HeaderSize) {
			t.Fatalf("accepted %+v", m)
		}
	})
}

func TestTypeName(t *testing.T) {
	for n, want := range map[uint16]string{1: "LPC_REQUEST", 0x4003: "LPC_DATAGRAM", 10: "LPC_CONNECTION_REQUEST", 77: "LPC_TYPE_77"} {
		if got := TypeName(n); got != want {
			t.Errorf("TypeName(%#x) = %s, want %s", n, got, want)
		}
	}
}

func TestSectionAddress(t *testing.T) {
	if s, o := SplitSectionAddress(SectionAddress(7, 1<<39+5)); s != 7 || o != 1<<39+5 {
		t.Errorf("split gave section %d offset %#x", s, o)
	}
}
