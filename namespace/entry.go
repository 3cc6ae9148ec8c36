package namespace

// Entry is one socket that [List] found, or one directory that it could not
// look into: then Name is the zero Name and Err says why.
type Entry struct {
	Name  Name
	Path  string // of the socket or the directory
	Root  string // the root it was found under, as given to List
	Stale bool   // its server died: the next Listen takes the name over
	// PID is the listener's, as of its listen(2); a label, not an identity. 0
	// if stale or if no connection could be made.
	PID int
	// UID is the listener's effective user id; where no connection could be
	// made, the socket's owner.
	UID uint32
	// Err says why the port could not be asked: ErrPermission, or a backlog
	// that is full. A port with an Err is not stale.
	Err error
}
