package engine

import (
	"unsafe"

	"github.com/seed-eedd8485/lpc/internal/pool"
)

// Where list entries and heads stand in their records: constants of the layout.
const (
	messageReplyChain = pool.Addr(unsafe.Offsetof(pool.Message{}.ReplyChain))
	portReceiveHead   = pool.Addr(unsafe.Offsetof(pool.PortObject{}.MsgQueue) + unsafe.Offsetof(pool.PortQueue{}.ReceiveHead))
	portReplyChain    = pool.Addr(unsafe.Offsetof(pool.PortObject{}.LpcReplyChainHead))
	portDataInfo      = pool.Addr(unsafe.Offsetof(pool.PortObject{}.LpcDataInfoChainHead))
)
