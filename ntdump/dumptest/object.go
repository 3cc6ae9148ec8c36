package dumptest

import "encoding/binary"

// Objects is the object manager of a machine: its directories, its types, and where
// objects are allocated.
type Objects struct {
	Root, RPC uint64 // directory objects: \, \RPC Control
	Paged     *BlockPool
	NonPaged  *BlockPool

	m     *Machine
	lists bool
	types map[string]uint64 // type objects by name
}

// ObjectOptions say how an object manager is made.
type ObjectOptions struct {
	Lists bool              // types keep lists of their objects (+otl)
	At    map[string]uint64 // where objects stand that are not to take the next free place: `\RPC Control`, "Port" for the type
}

// Ranges of the pools that NewObjects makes.
func (p *Profile) poolRanges() (nonPaged, nonPagedEnd, paged, pagedEnd uint64) {
	if p.Bits == 64 {
		return 0xfffffadf40000000, 0xfffffadf40100000, 0xfffffa8000000000, 0xfffffa8002000000
	}
	return 0x81100000, 0x81400000, 0xe1000000, 0xe2000000
}

// NewObjects makes the object manager's root, the directories \ObjectTypes and
// \RPC Control, and the types Type, Directory, Process, Thread, Port, WaitablePort and
// Semaphore.
func (m *Machine) NewObjects(opt ObjectOptions) *Objects {
	o := &Objects{m: m, lists: opt.Lists, types: map[string]uint64{}}
	a, b, c, d := m.poolRanges()
	o.NonPaged, o.Paged = m.NewBlockPool(false, a, b), m.NewBlockPool(true, c, d)
	kinds := [][2]string{{"Type", "ObjT"}, {"Directory", "Dire"}, {"Process", "Proc"}, {"Thread", "Thre"}, {"Port", "Por\xf4"}, {"WaitablePort", "Wai\xf4"}, {"Semaphore", "Sema"}}
	for _, k := range kinds {
		o.addType(k[0], k[1], opt.At[k[0]])
	}
	o.Root = o.AddDirectory(0, "", opt.At[`\`])
	m.SetVariable("ObpRootDirectoryObject", o.Root)
	m.SetVariable("ObpTypeObjectType", o.types["Type"])
	types := o.AddDirectory(o.Root, "ObjectTypes", opt.At[`\ObjectTypes`])
	for _, k := range kinds {
		o.Name(types, o.types[k[0]], k[0])
	}
	o.RPC = o.AddDirectory(o.Root, "RPC Control", opt.At[`\RPC Control`])
	return o
}

// Type is the type object of that name.
func (o *Objects) Type(name string) uint64 { return o.types[name] }

func (o *Objects) addType(name, key string, at uint64) {
	m := o.m
	at = o.Add(Object{At: at, Type: o.types["Type"], Tag: "ObjT", Size: m.Size("_OBJECT_TYPE"), Named: true, Pointers: 1, NonPaged: true})
	m.Empty(at + m.Offset("_OBJECT_TYPE.TypeList"))
	m.Unicode(at+m.Offset("_OBJECT_TYPE.Name"), name)
	m.Set(at, "_OBJECT_TYPE.Index", uint64(len(o.types)+1))
	m.Put(at+m.Offset("_OBJECT_TYPE.Key"), []byte(key))
	o.types[name] = at
	if name == "Type" { // the type of types is its own
		h := at - m.Offset("_OBJECT_HEADER.Body")
		m.Set(h, "_OBJECT_HEADER.Type", at)
		o.list(at, at)
	}
}

// Object describes an object to be made. Zero values are left zero.
type Object struct {
	At        uint64 // of the body; 0: the next free place
	Type      uint64 // type object
	Tag       string
	Size      int    // of the body
	Name      string // "": none
	Directory uint64 // that holds it
	Named     bool   // there is room for a name, without one
	Creator   uint64 // process id: it is kept with the object where lists are
	Quota     bool   // quota information stands in front
	Handles   uint64
	Pointers  uint64
	NonPaged  bool
}

// Add makes an object and returns the address of its body.
func (o *Objects) Add(b Object) uint64 {
	p := o.Paged
	if b.NonPaged {
		p = o.NonPaged
	}
	at := o.allocate(p, b)
	if b.Name != "" {
		o.Name(b.Directory, at, b.Name)
	}
	return at
}

// creatorInfo is the flag of a header with the creator's information before it.
const creatorInfo = 4

// allocate lays an object into a pool: quota and name information, the creator's,
// the header, the body (reference 5.3).
func (o *Objects) allocate(p *BlockPool, b Object) uint64 {
	m := o.m
	creator, name, quota, flags := 0, 0, 0, uint64(0)
	if o.lists {
		creator, flags = m.Size("_OBJECT_HEADER_CREATOR_INFO"), creatorInfo
	}
	if b.Named || b.Name != "" {
		name = creator + m.Size("_OBJECT_HEADER_NAME_INFO")
	}
	front := max(creator, name)
	if b.Quota {
		quota = front + 4*m.Pointer()
		front = quota
	}
	head := int(m.Offset("_OBJECT_HEADER.Body"))
	at := b.At
	if at == 0 {
		at = p.Alloc(b.Tag, front+head+b.Size) + uint64(front+head)
	} else {
		p.AllocAt(at-uint64(front+head), b.Tag, front+head+b.Size)
	}
	m.Put(at-uint64(front+head), make([]byte, front+head+b.Size))
	h := at - uint64(head)
	m.Set(h, "_OBJECT_HEADER.PointerCount", b.Pointers)
	m.Set(h, "_OBJECT_HEADER.HandleCount", b.Handles)
	m.Set(h, "_OBJECT_HEADER.Type", b.Type)
	m.Set(h, "_OBJECT_HEADER.NameInfoOffset", uint64(name))
	m.Set(h, "_OBJECT_HEADER.QuotaInfoOffset", uint64(quota))
	m.Set(h, "_OBJECT_HEADER.Flags", flags)
	if creator != 0 {
		info := h - uint64(creator)
		m.Empty(info)
		m.Set(info, "_OBJECT_HEADER_CREATOR_INFO.CreatorUniqueProcess", b.Creator)
	}
	if b.Type != 0 {
		o.list(b.Type, at)
	}
	return at
}

// list counts an object with its type, and puts it on the type's list where that is
// kept.
func (o *Objects) list(typ, object uint64) {
	m := o.m
	count := typ + m.Offset("_OBJECT_TYPE.TotalNumberOfObjects")
	m.Number(count, uint64(binary.LittleEndian.Uint32(m.Get(count, 4)))+1, 4)
	if !o.lists {
		return
	}
	info := object - m.Offset("_OBJECT_HEADER.Body") - uint64(m.Size("_OBJECT_HEADER_CREATOR_INFO"))
	m.Insert(typ+m.Offset("_OBJECT_TYPE.TypeList"), info+m.Offset("_OBJECT_HEADER_CREATOR_INFO.TypeList"))
}

// AddDirectory makes a directory; at 0 is the next free place.
func (o *Objects) AddDirectory(parent uint64, name string, at uint64) uint64 {
	return o.Add(Object{At: at, Type: o.types["Directory"], Tag: "Dire", Size: o.m.Size("_OBJECT_DIRECTORY"), Name: name, Named: true, Directory: parent, Pointers: 1})
}

// Name puts an object that has room for a name into a directory; 0 is none.
func (o *Objects) Name(directory, object uint64, name string) {
	m := o.m
	h := object - m.Offset("_OBJECT_HEADER.Body")
	info := h - uint64(m.Get(h+m.Offset("_OBJECT_HEADER.NameInfoOffset"), 1)[0])
	m.Set(info, "_OBJECT_HEADER_NAME_INFO.Directory", directory)
	m.Unicode(info+m.Offset("_OBJECT_HEADER_NAME_INFO.Name"), name)
	if directory == 0 {
		return
	}
	// Which bucket it stands in, only the kernel's hash tells; readers look into all.
	bucket := directory + uint64(len(name)%37*m.Pointer())
	entry := o.Paged.Alloc("ObDi", m.Size("_OBJECT_DIRECTORY_ENTRY"))
	m.Put(entry, make([]byte, m.Size("_OBJECT_DIRECTORY_ENTRY")))
	m.Set(entry, "_OBJECT_DIRECTORY_ENTRY.ChainLink", m.GetPtr(bucket))
	m.Set(entry, "_OBJECT_DIRECTORY_ENTRY.Object", object)
	m.Ptr(bucket, entry)
}
