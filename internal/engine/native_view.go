package engine

// A sentView is a view of a client's section that came with its connection request.
type sentView struct{ size uint64 }
