#include "textflag.h"

// STLR publishes and LDAR looks: whoever sees the sequence number sees the 32
// bytes written before it.

// func ping(request, reply *uint64, seq, n, spins uint64) uint64
TEXT ·ping(SB), NOSPLIT, $0-48
	MOVD request+0(FP), R0
	MOVD reply+8(FP), R1
	MOVD seq+16(FP), R2       // number of the exchange
	MOVD n+24(FP), R3         // exchanges left
	MOVD spins+32(FP), R4
	MOVD ZR, R5               // exchanges done
	CBZ  R3, pingdone
pingnext:
	ADD  $1, R2
	MOVD R2, 8(R0)            // the payload: four words
	MOVD R2, 16(R0)
	MOVD R2, 24(R0)
	MOVD R2, 32(R0)
	STLR R2, (R0)             // publish
	MOVD R4, R6
pinglook:
	LDAR (R1), R7
	CMP  R7, R2
	BEQ  pinggot
	SUB  $1, R6
	CBNZ R6, pinglook
	B    pingdone
pinggot:
	MOVD 8(R1), R8            // read the reply's payload
	MOVD 16(R1), R9
	MOVD 24(R1), R10
	MOVD 32(R1), R11
	ADD  $1, R5
	SUB  $1, R3
	CBNZ R3, pingnext
pingdone:
	MOVD R5, ret+40(FP)
	RET

// func pingStamped(request, reply *uint64, seq uint64, took []uint64, spins uint64) uint64
TEXT ·pingStamped(SB), NOSPLIT, $0-64
	MOVD request+0(FP), R0
	MOVD reply+8(FP), R1
	MOVD seq+16(FP), R2
	MOVD took_base+24(FP), R12
	MOVD took_len+32(FP), R3
	MOVD spins+48(FP), R4
	MOVD ZR, R5
	CBZ  R3, stampdone
	MRS  CNTVCT_EL0, R13      // the last stamp
stampnext:
	ADD  $1, R2
	MOVD R2, 8(R0)
	MOVD R2, 16(R0)
	MOVD R2, 24(R0)
	MOVD R2, 32(R0)
	STLR R2, (R0)             // publish
	MOVD R4, R6
stamplook:
	LDAR (R1), R7
	CMP  R7, R2
	BEQ  stampgot
	SUB  $1, R6
	CBNZ R6, stamplook
	B    stampdone
stampgot:
	MOVD 8(R1), R8
	MOVD 16(R1), R9
	MOVD 24(R1), R10
	MOVD 32(R1), R11
	MRS  CNTVCT_EL0, R14
	SUB  R13, R14, R15        // one stamp a turn: the whole turn is its time
	MOVD.P R15, 8(R12)
	MOVD R14, R13
	ADD  $1, R5
	SUB  $1, R3
	CBNZ R3, stampnext
stampdone:
	MOVD R5, ret+56(FP)
	RET

// func pong(request, reply *uint64, seq, n, spins uint64) uint64
TEXT ·pong(SB), NOSPLIT, $0-48
	MOVD request+0(FP), R0
	MOVD reply+8(FP), R1
	MOVD seq+16(FP), R2
	MOVD n+24(FP), R3
	MOVD spins+32(FP), R4
	MOVD ZR, R5
	CBZ  R3, pongdone
pongnext:
	ADD  $1, R2
	MOVD R4, R6
ponglook:
	LDAR (R0), R7
	CMP  R7, R2
	BEQ  ponggot
	SUB  $1, R6
	CBNZ R6, ponglook
	B    pongdone
ponggot:
	MOVD 8(R0), R8            // the echo: the request's payload is the reply's
	MOVD 16(R0), R9
	MOVD 24(R0), R10
	MOVD 32(R0), R11
	MOVD R8, 8(R1)
	MOVD R9, 16(R1)
	MOVD R10, 24(R1)
	MOVD R11, 32(R1)
	STLR R2, (R1)             // publish
	ADD  $1, R5
	SUB  $1, R3
	CBNZ R3, pongnext
pongdone:
	MOVD R5, ret+40(FP)
	RET
