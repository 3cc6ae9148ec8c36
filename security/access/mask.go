package access

// Mask is a set of access rights, NT's ACCESS_MASK (MS-DTYP 2.4.3).
type Mask uint32

// Rights of a port, and those that every object has.
const (
	PortConnect   Mask = 0x00000001 // send a connection request to the port
	Delete        Mask = 0x00010000
	ReadControl   Mask = 0x00020000 // read the descriptor
	WriteDAC      Mask = 0x00040000 // replace the discretionary list
	WriteOwner    Mask = 0x00080000
	Synchronize   Mask = 0x00100000
	PortAllAccess Mask = 0x001f0001

	// AccessSystemSecurity is for the system list. It takes a privilege that
	// nobody has here, so Check never grants it.
	AccessSystemSecurity Mask = 0x01000000
	// MaximumAllowed asks for every right that the list gives.
	MaximumAllowed Mask = 0x02000000

	GenericAll     Mask = 0x10000000
	GenericExecute Mask = 0x20000000
	GenericWrite   Mask = 0x40000000
	GenericRead    Mask = 0x80000000
)

// Map returns m with its generic rights replaced by those of a port that they
// stand for. The mapping is that of NT's port types: read is READ_CONTROL and
// connect, write is DELETE and connect, execute is nothing, all is
// PORT_ALL_ACCESS.
func (m Mask) Map() Mask {
	mapped := m &^ (GenericAll | GenericExecute | GenericWrite | GenericRead)
	if m&GenericRead != 0 {
		mapped |= ReadControl | PortConnect
	}
	if m&GenericWrite != 0 {
		mapped |= Delete | PortConnect
	}
	if m&GenericAll != 0 {
		mapped |= PortAllAccess
	}
	return mapped
}
