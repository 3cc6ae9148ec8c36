package dumptest

// Module is a loaded image.
type Module struct {
	Name            string
	Base, Size      uint64 // Base 0: the next free place; that of the first module is the kernel's (KernBase)
	Stamp, CheckSum uint32
	Entry           uint64
}

// numbers are what a loader's entry says of the module, but for its names.
func (mod Module) numbers() map[string]uint64 {
	return map[string]uint64{
		"_LDR_DATA_TABLE_ENTRY.DllBase":       mod.Base,
		"_LDR_DATA_TABLE_ENTRY.EntryPoint":    mod.Entry,
		"_LDR_DATA_TABLE_ENTRY.SizeOfImage":   mod.Size,
		"_LDR_DATA_TABLE_ENTRY.LoadCount":     1,
		"_LDR_DATA_TABLE_ENTRY.CheckSum":      uint64(mod.CheckSum),
		"_LDR_DATA_TABLE_ENTRY.TimeDateStamp": uint64(mod.Stamp),
	}
}

// AddModule puts a module into the list of loaded ones and returns its base. Its
// memory is the test's to write.
func (m *Machine) AddModule(mod Module) uint64 {
	if mod.Base != 0 && len(m.listed) == 0 { // the kernel itself stands first in the list
		m.kdbg["KernBase"] = mod.Base
	}
	if mod.Base == 0 {
		mod.Base = m.images
		m.images += (mod.Size + page - 1) &^ (page - 1)
	}
	at := m.Alloc(m.Size("_LDR_DATA_TABLE_ENTRY"))
	m.Insert(m.modules, at+m.Offset("_LDR_DATA_TABLE_ENTRY.InLoadOrderLinks"))
	for member, v := range mod.numbers() {
		m.Set(at, member, v)
	}
	m.Unicode(at+m.Offset("_LDR_DATA_TABLE_ENTRY.BaseDllName"), mod.Name)
	m.Unicode(at+m.Offset("_LDR_DATA_TABLE_ENTRY.FullDllName"), `\SystemRoot\system32\drivers\`+mod.Name)
	m.listed = append(m.listed, mod)
	return mod.Base
}

// Unloaded is an image that was unloaded.
type Unloaded struct {
	Name       string
	Start, End uint64
	Time       uint64 // FILETIME
}

// AddUnloaded notes an unloaded image in the kernel's array of 50.
func (m *Machine) AddUnloaded(u Unloaded) {
	each := uint64(4*m.Pointer() + 8)
	if len(m.unloaded) == 0 {
		m.SetVariable("MmUnloadedDrivers", m.Alloc(int(50*each)))
	}
	at := m.GetPtr(m.Variable("MmUnloadedDrivers")) + uint64(len(m.unloaded))*each
	m.unloaded = append(m.unloaded, u)
	m.Unicode(at, u.Name)
	ptr := uint64(m.Pointer())
	m.Ptr(at+2*ptr, u.Start)
	m.Ptr(at+3*ptr, u.End)
	m.Number(at+4*ptr, u.Time, 8)
}
