package wire

// Status is how a reply ended, a stable number that crosses the wire. The
// numbers are never reused or reordered: that is a protocol break.
type Status uint32

// The statuses of a reply.
const (
	StatusOK           Status = 0
	StatusFailed       Status = 1 // the handler failed; data is {code int32, text}
	StatusTooLarge     Status = 2 // the request or the reply was over the replier's limit
	StatusNoHandler    Status = 3 // nobody serves this direction of the connection
	StatusNoMemory     Status = 4 // the replier could not get section memory for its reply
	StatusDropped      Status = 5 // the handler returned, and its request was let go, without a reply
	StatusMismatch     Status = 7 // a callback for a thread that does not wait for that message
	StatusShuttingDown Status = 6 // the server stopped serving with this request in its queue
)
