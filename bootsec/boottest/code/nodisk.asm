; Our own code for tests: the boot sector of a disk that is not for booting. It
; prints the string behind the call, waits for a key and boots anew.
	org 0x7c00
	bits 16
	jmp short start
	nop
	times 0x3e-($-$$) db 0
start:	push cs
	pop ds
	call say
	db "This is not a bootable disk.",13,10,0
	xor ah,ah
	int 0x16
	int 0x19
say:	pop si
next:	lodsb
	push si
	cmp al,0
	je done
	mov ah,0x0e
	mov bx,7
	int 0x10
	pop si
	jmp next
done:	ret
	times 510-($-$$) db 0
	dw 0xaa55
