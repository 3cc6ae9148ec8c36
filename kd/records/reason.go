package records

import "strconv"

// Wait reasons, NT's numbers.
const (
	Executive    = 0
	WrLpcReceive = 0x10
	WrLpcReply   = 0x11
)

var waitReasons = [...]string{
	"Executive", "FreePage", "PageIn", "PoolAllocation", "DelayExecution", "Suspended", "UserRequest",
	"WrExecutive", "WrFreePage", "WrPageIn", "WrPoolAllocation", "WrDelayExecution", "WrSuspended", "WrUserRequest",
	"WrEventPair", "WrQueue", "WrLpcReceive", "WrLpcReply", "WrVirtualMemory", "WrPageOut", "WrRendezvous",
}

// WaitReason is NT's name of a wait reason, its number where there is none.
func WaitReason(n uint32) string {
	if n < uint32(len(waitReasons)) {
		return waitReasons[n]
	}
	return strconv.FormatUint(uint64(n), 10)
}
