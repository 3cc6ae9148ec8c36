#include "textflag.h"

// Plain moves are enough on amd64: stores become visible in program order, so
// whoever sees the sequence number sees the 32 bytes written before it, and
// loads are not reordered with loads.
//
// No PAUSE in the loops: it would add its own length to what is measured.

// func ping(request, reply *uint64, seq, n, spins uint64) uint64
TEXT ·ping(SB), NOSPLIT, $0-48
	MOVQ request+0(FP), DI
	MOVQ reply+8(FP), SI
	MOVQ seq+16(FP), AX       // number of the exchange
	MOVQ n+24(FP), CX         // exchanges left
	XORQ R8, R8               // exchanges done
	TESTQ CX, CX
	JZ   pingdone
pingnext:
	INCQ AX
	MOVQ AX, 8(DI)            // the payload: four words
	MOVQ AX, 16(DI)
	MOVQ AX, 24(DI)
	MOVQ AX, 32(DI)
	MOVQ AX, 0(DI)            // publish
	MOVQ spins+32(FP), DX
pinglook:
	CMPQ 0(SI), AX
	JEQ  pinggot
	DECQ DX
	JNZ  pinglook
	JMP  pingdone
pinggot:
	MOVQ 8(SI), R9            // read the reply's payload
	MOVQ 16(SI), R10
	MOVQ 24(SI), R11
	MOVQ 32(SI), R12
	INCQ R8
	DECQ CX
	JNZ  pingnext
pingdone:
	MOVQ R8, ret+40(FP)
	RET

// func pingStamped(request, reply *uint64, seq uint64, took []uint64, spins uint64) uint64
TEXT ·pingStamped(SB), NOSPLIT, $0-64
	MOVQ request+0(FP), DI
	MOVQ reply+8(FP), SI
	MOVQ seq+16(FP), R13      // number of the exchange
	MOVQ took_base+24(FP), BX
	MOVQ took_len+32(FP), CX  // exchanges left
	XORQ R8, R8               // exchanges done
	TESTQ CX, CX
	JZ   stampdone
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, R11              // the last stamp
stampnext:
	INCQ R13
	MOVQ R13, 8(DI)
	MOVQ R13, 16(DI)
	MOVQ R13, 24(DI)
	MOVQ R13, 32(DI)
	MOVQ R13, 0(DI)           // publish
	MOVQ spins+48(FP), R12
stamplook:
	CMPQ 0(SI), R13
	JEQ  stampgot
	DECQ R12
	JNZ  stamplook
	JMP  stampdone
stampgot:
	MOVQ 8(SI), R9
	MOVQ 16(SI), R9
	MOVQ 24(SI), R9
	MOVQ 32(SI), R9
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, R10
	SUBQ R11, AX              // one stamp a turn: the whole turn is its time
	MOVQ AX, (BX)(R8*8)
	MOVQ R10, R11
	INCQ R8
	DECQ CX
	JNZ  stampnext
stampdone:
	MOVQ R8, ret+56(FP)
	RET

// func pong(request, reply *uint64, seq, n, spins uint64) uint64
TEXT ·pong(SB), NOSPLIT, $0-48
	MOVQ request+0(FP), DI
	MOVQ reply+8(FP), SI
	MOVQ seq+16(FP), AX
	MOVQ n+24(FP), CX
	XORQ R8, R8
	TESTQ CX, CX
	JZ   pongdone
pongnext:
	INCQ AX
	MOVQ spins+32(FP), DX
ponglook:
	CMPQ 0(DI), AX
	JEQ  ponggot
	DECQ DX
	JNZ  ponglook
	JMP  pongdone
ponggot:
	MOVQ 8(DI), R9            // the echo: the request's payload is the reply's
	MOVQ 16(DI), R10
	MOVQ 24(DI), R11
	MOVQ 32(DI), R12
	MOVQ R9, 8(SI)
	MOVQ R10, 16(SI)
	MOVQ R11, 24(SI)
	MOVQ R12, 32(SI)
	MOVQ AX, 0(SI)            // publish
	INCQ R8
	DECQ CX
	JNZ  pongnext
pongdone:
	MOVQ R8, ret+40(FP)
	RET
