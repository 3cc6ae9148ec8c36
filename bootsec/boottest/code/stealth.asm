; Our own code for tests: what makes a boot virus known (memory taken at the
; top, interrupt 13 redirected, the true sector kept elsewhere) without any part
; that spreads.
	org 0x7c00
	bits 16
start:	xor ax,ax
	mov ds,ax
	mov ss,ax
	mov sp,0x7c00
	mov si,sp
	dec word [0x413]
	int 0x12
	mov cl,6
	shl ax,cl
	mov es,ax
	xor di,di
	mov cx,0x100
	cld
	rep movsw
	mov word [0x4c],hook-start
	mov [0x4e],es
	push es
	mov ax,high-start
	push ax
	retf
high:	xor ax,ax
	mov es,ax
	mov ax,0x201
	mov bx,0x7c00
	mov cx,7
	mov dx,0x80
	int 0x13
	jmp 0:0x7c00
hook:	jmp 0xf000:0xe3fe
	times 440-($-$$) db 0
