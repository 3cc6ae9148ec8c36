/*
 * calls.h: which call of lpc.h a line asks for. It is part of driver.c.
 */

/* own are the calls that are not NT's; -1: it is none of them. */
static int own(struct call *c)
{
	const struct line *l = c->in;
	uint64_t *v = room(c, 2 * sizeof(*v));

	if (is(l, "call", "Identify")) {
		v[0] = (uint64_t)getpid();
		v[1] = (uint64_t)syscall(SYS_gettid);
		returns(c, NUMBER, "Process", &v[0], 8);
		returns(c, NUMBER, "Thread", &v[1], 8);
	} else if (is(l, "call", "Alloc")) {
		v[0] = (uint64_t)mmap(NULL, number(c, "Size"), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		returns(c, NUMBER, "Address", &v[0], 8);
	} else if (is(l, "call", "Protect")) {
		if (mprotect(handle(c, "Address"), number(c, "Size"), PROT_NONE) != 0)
			snprintf(c->error, sizeof(c->error), "mprotect");
	} else if (is(l, "call", "Peek") || is(l, "call", "Poke")) {
		int poke = is(l, "call", "Poke");
		struct iovec here, there = {handle(c, "Address"), 0};
		ssize_t n;

		if (poke) {
			here.iov_base = buffer(c, "Data", &here.iov_len);
			c->n = 0;
		} else {
			here.iov_len = number(c, "Size");
			here.iov_base = room(c, here.iov_len);
		}
		there.iov_len = here.iov_len;
		n = (poke ? process_vm_writev : process_vm_readv)(getpid(), &here, 1, &there, 1, 0);
		if (!poke && n == (ssize_t)here.iov_len)
			returns(c, BYTES, "Data", here.iov_base, here.iov_len);
		else if (poke && n != (ssize_t)here.iov_len)
			snprintf(c->error, sizeof(c->error), "process_vm_writev");
		else if (!poke)
			returns(c, TEXT, "Data", "absent", 0);
	} else if (!is(l, "call", "Exit")) { /* which has happened: see serve */
		return -1;
	}
	return 0;
}

/* objects are the calls around those of ports. */
static NTSTATUS objects(struct call *c)
{
	const struct line *l = c->in;
	size_t n;
	void *p;

	if (is(l, "call", "NtCreateSection"))
		return NtCreateSection(pointer(c, "SectionHandle", 8), word(c, "DesiredAccess"), NULL, pointer(c, "MaximumSize", 8),
			word(c, "SectionPageProtection"), word(c, "AllocationAttributes"), handle(c, "FileHandle"));
	if (is(l, "call", "NtMapViewOfSection"))
		return NtMapViewOfSection(handle(c, "SectionHandle"), handle(c, "ProcessHandle"), pointer(c, "BaseAddress", 8),
			number(c, "ZeroBits"), number(c, "CommitSize"), pointer(c, "SectionOffset", 8), pointer(c, "ViewSize", 8),
			(SECTION_INHERIT)word(c, "InheritDisposition"), word(c, "AllocationType"), word(c, "Win32Protect"));
	if (is(l, "call", "NtUnmapViewOfSection"))
		return NtUnmapViewOfSection(handle(c, "ProcessHandle"), handle(c, "BaseAddress"));
	if (is(l, "call", "NtDuplicateObject"))
		return NtDuplicateObject(handle(c, "SourceProcessHandle"), handle(c, "SourceHandle"), handle(c, "TargetProcessHandle"),
			pointer(c, "TargetHandle", 8), word(c, "DesiredAccess"), word(c, "HandleAttributes"), word(c, "Options"));
	if (is(l, "call", "NtClose"))
		return NtClose(handle(c, "Handle"));
	if (is(l, "call", "NtWaitForSingleObject"))
		return NtWaitForSingleObject(handle(c, "Handle"), (BOOLEAN)word(c, "Alertable"), pointer(c, "Timeout", 8));
	if (is(l, "call", "NtSetInformationThread")) {
		p = buffer(c, "ThreadInformation", &n);
		return NtSetInformationThread(handle(c, "ThreadHandle"), word(c, "ThreadInformationClass"), p, (ULONG)n);
	}
	snprintf(c->error, sizeof(c->error), "there is no call %s", get(c, "call"));
	return 0;
}

/* make makes the call. */
static NTSTATUS make(struct call *c)
{
	const struct line *l = c->in;
	PPORT_MESSAGE m;
	PVOID *context;
	size_t n;
	void *p;

	if (own(c) >= 0)
		return STATUS_SUCCESS;
	if (is(l, "call", "NtCreatePort"))
		return NtCreatePort(pointer(c, "PortHandle", 8), attributes(c), word(c, "MaxConnectionInfoLength"), word(c, "MaxMessageLength"), word(c, "MaxPoolUsage"));
	if (is(l, "call", "NtCreateWaitablePort"))
		return NtCreateWaitablePort(pointer(c, "PortHandle", 8), attributes(c), word(c, "MaxConnectionInfoLength"), word(c, "MaxMessageLength"), word(c, "MaxPoolUsage"));
	if (is(l, "call", "NtConnectPort"))
		return NtConnectPort(pointer(c, "PortHandle", 8), named(c, "PortName"), quality(c, "SecurityQos"), view(c, "ClientView"), remote(c, "ServerView"),
			pointer(c, "MaxMessageLength", 4), buffer(c, "ConnectionInformation", &n), pointer(c, "ConnectionInformationLength", 4));
	if (is(l, "call", "NtSecureConnectPort"))
		return NtSecureConnectPort(pointer(c, "PortHandle", 8), named(c, "PortName"), quality(c, "SecurityQos"), view(c, "ClientView"), sid(c, "ServerSid"), remote(c, "ServerView"),
			pointer(c, "MaxMessageLength", 4), buffer(c, "ConnectionInformation", &n), pointer(c, "ConnectionInformationLength", 4));
	if (is(l, "call", "NtListenPort"))
		return NtListenPort(handle(c, "PortHandle"), message(c, "ConnectionRequest"));
	if (is(l, "call", "NtAcceptConnectPort"))
		return NtAcceptConnectPort(pointer(c, "PortHandle", 8), handle(c, "PortContext"), message(c, "ConnectionRequest"), (BOOLEAN)word(c, "AcceptConnection"),
			view(c, "ServerView"), remote(c, "ClientView"));
	if (is(l, "call", "NtCompleteConnectPort"))
		return NtCompleteConnectPort(handle(c, "PortHandle"));
	if (is(l, "call", "NtRequestPort"))
		return NtRequestPort(handle(c, "PortHandle"), message(c, "RequestMessage"));
	if (is(l, "call", "NtRequestWaitReplyPort")) {
		m = message(c, "RequestMessage");
		return NtRequestWaitReplyPort(handle(c, "PortHandle"), m, message(c, "ReplyMessage"));
	}
	if (is(l, "call", "NtReplyPort"))
		return NtReplyPort(handle(c, "PortHandle"), message(c, "ReplyMessage"));
	if (is(l, "call", "NtReplyWaitReplyPort"))
		return NtReplyWaitReplyPort(handle(c, "PortHandle"), message(c, "ReplyMessage"));
	if (is(l, "call", "NtReplyWaitReceivePort")) {
		context = pointer(c, "PortContext", 8);
		m = message(c, "ReplyMessage");
		return NtReplyWaitReceivePort(handle(c, "PortHandle"), context, m, message(c, "ReceiveMessage"));
	}
	if (is(l, "call", "NtReplyWaitReceivePortEx")) {
		context = pointer(c, "PortContext", 8);
		m = message(c, "ReplyMessage");
		p = message(c, "ReceiveMessage");
		return NtReplyWaitReceivePortEx(handle(c, "PortHandle"), context, m, p, pointer(c, "Timeout", 8));
	}
	if (is(l, "call", "NtImpersonateClientOfPort"))
		return NtImpersonateClientOfPort(handle(c, "PortHandle"), message(c, "Message"));
	if (is(l, "call", "NtReadRequestData")) {
		p = buffer(c, "Buffer", &n);
		return NtReadRequestData(handle(c, "PortHandle"), message(c, "Message"), word(c, "DataEntryIndex"), p, n, pointer(c, "NumberOfBytes", 8));
	}
	if (is(l, "call", "NtWriteRequestData")) {
		p = buffer(c, "Buffer", &n);
		return NtWriteRequestData(handle(c, "PortHandle"), message(c, "Message"), word(c, "DataEntryIndex"), p, n, pointer(c, "NumberOfBytes", 8));
	}
	if (is(l, "call", "NtQueryInformationPort")) {
		p = buffer(c, "PortInformation", &n);
		return NtQueryInformationPort(handle(c, "PortHandle"), word(c, "PortInformationClass"), p, (ULONG)n, pointer(c, "ReturnLength", 4));
	}
	if (is(l, "call", "NtRegisterThreadTerminatePort"))
		return NtRegisterThreadTerminatePort(handle(c, "PortHandle"));
	return objects(c);
}
