; Our own code for tests: what is hard to follow. An instruction within another,
; one that the code writes itself, a jump whose target is not known, a far call
; out of the sector, one into the partition table, a write to disk, protected
; mode.
	org 0x7c00
	bits 16
	xor ax,ax
	mov ds,ax
	mov es,ax
	mov word [patch],0x13cd ; int 13h over int 20h, below
	mov ah,2
patch:	int 0x20
	mov ax,0x301
	mov bx,0x7c00
	mov cx,1
	xor dx,dx
	int 0x13
	db 0xeb,0x01	; over the first byte of the next
	db 0xb8
	inc ax
	inc cx
	nop
	call 0x9000:0x100
	test dl,dl
	jz indirect
	cmp dl,3
	je table
	cmp dl,4
	je bad
	mov eax,cr0
	or al,1
	mov cr0,eax
	jmp dword 8:0x100000
indirect:
	jmp [bx+si]
table:	jmp near $$+0x1be
bad:	db 0x0f,0xff
	times 440-($-$$) db 0
