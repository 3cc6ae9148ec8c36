package pool

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"

	"github.com/seed-eedd8485/lpc/wire"
)

// described lists the structs of the pool under the names that a debugger shows:
// NT's where the struct is NT's.
var described = []struct {
	name string
	typ  reflect.Type
}{
	{"_LPC_POOL_EXTENT", reflect.TypeFor[ExtentHeader]()},
	{"_LPC_POOL_BLOCK", reflect.TypeFor[BlockHeader]()},
	{"_LPC_POOL_HEADER", reflect.TypeFor[Header]()},
	{"_LIST_ENTRY", reflect.TypeFor[ListEntry]()},
	{"_CLIENT_ID", reflect.TypeFor[wire.ClientID]()},
	{"_PORT_MESSAGE", reflect.TypeFor[wire.PortMessage]()},
	{"_LPCP_PORT_QUEUE", reflect.TypeFor[PortQueue]()},
	{"_SECURITY_QUALITY_OF_SERVICE", reflect.TypeFor[SecurityQoS]()},
	{"_SECURITY_CLIENT_CONTEXT", reflect.TypeFor[SecurityClientContext]()},
	{"_LPCP_PORT_OBJECT", reflect.TypeFor[PortObject]()},
	{"_LPCP_MESSAGE", reflect.TypeFor[Message]()},
	{"_ETHREAD", reflect.TypeFor[Thread]()},
	{"_LPC_SECTION", reflect.TypeFor[Section]()},
	{"_LPC_TOKEN", reflect.TypeFor[Token]()},
	{"_HANDLE_TABLE_ENTRY", reflect.TypeFor[HandleEntry]()},
	{"_HANDLE_TABLE", reflect.TypeFor[HandleTable]()},
	{"_LPC_FAILED_MESSAGE", reflect.TypeFor[FailedMessage]()},
	{"_LPC_FAILED_RING", reflect.TypeFor[FailedRing]()},
	{"_LPC_STACK", reflect.TypeFor[Stack]()},
	{"_PS_IMPERSONATION_INFORMATION", reflect.TypeFor[ImpersonationInformation]()},
	{"_LPC_FRAME", reflect.TypeFor[Frame]()},
	{"_LPC_POOL_TRACKER", reflect.TypeFor[Tracker]()},
	{"_LPC_POOL_TRACKER_TABLE", reflect.TypeFor[TrackerTable]()},
}

// ntNames are fields whose NT name is not their Go name.
var ntNames = map[string]string{
	"MessageID": "MessageId", "CallbackID": "CallbackId", "ClientID": "ClientId",
	"LpcReplyMessageID": "LpcReplyMessageId", "LpcReceivedMessageID": "LpcReceivedMessageId",
	"RepliedTo": "RepliedToThread", "ProcessID": "ProcessId",
}

// The shapes of an ISF file (the type description format that volatility3
// defined: struct -> field -> offset and type), as far as we use it.
type (
	isfFile struct {
		Metadata  isfMeta              `json:"metadata"`
		BaseTypes map[string]isfBase   `json:"base_types"`
		UserTypes map[string]isfStruct `json:"user_types"`
		Enums     map[string]struct{}  `json:"enums"`
		Symbols   map[string]struct{}  `json:"symbols"`
	}
	isfMeta struct {
		Format   string `json:"format"`
		Producer struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"producer"`
	}
	isfBase struct {
		Size   int    `json:"size"`
		Signed bool   `json:"signed"`
		Kind   string `json:"kind"`
		Endian string `json:"endian"`
	}
	isfStruct struct {
		Kind   string              `json:"kind"`
		Size   int                 `json:"size"`
		Fields map[string]isfField `json:"fields"`
	}
	isfField struct {
		Offset int     `json:"offset"`
		Type   isfType `json:"type"`
	}
	isfType struct {
		Kind    string   `json:"kind"`
		Name    string   `json:"name,omitempty"`
		Count   int      `json:"count,omitempty"`
		Subtype *isfType `json:"subtype,omitempty"`
	}
)

// TypeDescription is the ISF JSON of every struct in the pool, made from the Go
// structs themselves: the two cannot disagree. The caller must not change it.
var TypeDescription = sync.OnceValue(func() []byte {
	f := isfFile{
		BaseTypes: map[string]isfBase{}, UserTypes: map[string]isfStruct{},
		Enums: map[string]struct{}{}, Symbols: map[string]struct{}{},
	}
	f.Metadata.Format = "6.2.0"
	f.Metadata.Producer.Name, f.Metadata.Producer.Version = "lpc", fmt.Sprint(Version)
	for _, b := range []struct {
		name string
		size int
		kind string
	}{
		{"unsigned char", 1, "char"}, {"unsigned short", 2, "int"}, {"unsigned long", 4, "int"},
		{"unsigned long long", 8, "int"}, {"pool address", 8, "int"}, {"pointer", 8, "int"},
	} {
		f.BaseTypes[b.name] = isfBase{Size: b.size, Kind: b.kind, Endian: "little"}
	}
	names := map[reflect.Type]string{}
	for _, d := range described {
		names[d.typ] = d.name
	}
	for _, d := range described {
		s := isfStruct{Kind: "struct", Size: int(d.typ.Size()), Fields: map[string]isfField{}}
		for i := range d.typ.NumField() {
			fl := d.typ.Field(i)
			if fl.Name == "_" {
				continue
			}
			name := fl.Name
			if nt, ok := ntNames[name]; ok {
				name = nt
			}
			s.Fields[name] = isfField{Offset: int(fl.Offset), Type: describe(fl.Type, names)}
		}
		f.UserTypes[d.name] = s
	}
	b, err := json.Marshal(f)
	if err != nil {
		panic(err) // only maps, strings and numbers: cannot happen
	}
	return b
})

func describe(t reflect.Type, names map[reflect.Type]string) isfType {
	if n, ok := names[t]; ok {
		return isfType{Kind: "struct", Name: n}
	}
	if t == reflect.TypeFor[Addr]() {
		return isfType{Kind: "base", Name: "pool address"}
	}
	switch t.Kind() {
	case reflect.Array:
		sub := describe(t.Elem(), names)
		return isfType{Kind: "array", Count: t.Len(), Subtype: &sub}
	case reflect.Uint8:
		return isfType{Kind: "base", Name: "unsigned char"}
	case reflect.Uint16:
		return isfType{Kind: "base", Name: "unsigned short"}
	case reflect.Uint32:
		return isfType{Kind: "base", Name: "unsigned long"}
	case reflect.Uint64:
		return isfType{Kind: "base", Name: "unsigned long long"}
	}
	panic("lpc: a pool struct holds a " + t.String() + ", which memory cannot hold")
}
