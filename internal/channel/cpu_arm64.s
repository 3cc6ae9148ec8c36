#include "textflag.h"

// func pause()
TEXT ·pause(SB), NOSPLIT, $0-0
	YIELD
	RET

// func ticks() uint64
// CNTVCT_EL0
TEXT ·ticks(SB), NOSPLIT, $0-8
	WORD $0xd53be040
	MOVD R0, ret+0(FP)
	RET

// func tickHz() uint64
// CNTFRQ_EL0
TEXT ·tickHz(SB), NOSPLIT, $0-8
	WORD $0xd53be000
	MOVD R0, ret+0(FP)
	RET
