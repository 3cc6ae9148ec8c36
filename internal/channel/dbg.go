package channel

import "sync/atomic"

var Dbg [16]atomic.Int64
