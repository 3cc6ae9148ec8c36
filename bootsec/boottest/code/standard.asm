; Our own boot code for tests: what a master boot record has to do, and no more.
; nasm -f bin standard.asm -o standard.bin; xxd -p standard.bin > standard.hex
	org 0x600
	bits 16
start:	cli
	xor ax,ax
	mov ss,ax
	mov sp,0x7c00
	mov ds,ax
	mov es,ax
	sti
	cld
	mov si,0x7c00
	mov di,0x600
	mov cx,0x100
	rep movsw
	jmp 0:next
next:	mov si,0x7be
	mov cx,4
find:	test byte [si],0x80
	jnz found
	add si,16
	loop find
	mov si,none
	jmp print
found:	push si
	mov ah,0x41
	mov bx,0x55aa
	int 0x13
	pop si
	jc chs
	cmp bx,0xaa55
	jne chs
	push dword 0
	push dword [si+8]
	push word 0
	push word 0x7c00
	push word 1
	push word 16
	mov bp,si
	mov si,sp
	mov ah,0x42
	int 0x13
	lea sp,[si+16]
	mov si,bp
	jnc check
chs:	mov ax,0x201
	mov bx,0x7c00
	mov cx,[si+2]
	mov dh,[si+1]
	int 0x13
	jc error
check:	cmp word [0x7dfe],0xaa55
	jne bad
	jmp 0:0x7c00
error:	mov si,read
	jmp print
bad:	mov si,sign
print:	lodsb
	or al,al
	jz stop
	mov ah,0x0e
	mov bx,7
	int 0x10
	jmp print
stop:	int 0x18
hang:	hlt
	jmp hang
none:	db "No active partition",13,10,0
read:	db "Read error",13,10,0
sign:	db "No boot sector",13,10,0
	times 440-($-$$) db 0
