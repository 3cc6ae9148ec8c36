package nt

func (t *Thread) NtImpersonateClientOfPort(PortHandle Handle, Message *Message) Status {
	return StatusNotImplemented
}
func (t *Thread) NtSetInformationThread(ThreadHandle Handle, ThreadInformationClass uint32, ThreadInformation []byte) Status {
	return StatusNotImplemented
}
