/* layout: the sizes and offsets of lpc.h's types as the compiler has them. */
#include <lpc.h>
#include <stdio.h>

#define SIZE(t) printf("%s %zu\n", #t, sizeof(t))
#define AT(t, f) printf("%s.%s %zu %zu\n", #t, #f, offsetof(t, f), sizeof(((t *)0)->f))

int main(void)
{
	SIZE(PORT_MESSAGE);
	AT(PORT_MESSAGE, DataLength);
	AT(PORT_MESSAGE, TotalLength);
	AT(PORT_MESSAGE, Type);
	AT(PORT_MESSAGE, DataInfoOffset);
	AT(PORT_MESSAGE, ClientId);
	AT(PORT_MESSAGE, MessageId);
	AT(PORT_MESSAGE, CallbackId);
	AT(PORT_MESSAGE, ClientViewSize);
	AT(PORT_MESSAGE, u1.s1.DataLength);
	AT(PORT_MESSAGE, u1.s1.TotalLength);
	AT(PORT_MESSAGE, u1.Length);
	AT(PORT_MESSAGE, u2.s2.Type);
	AT(PORT_MESSAGE, u2.s2.DataInfoOffset);
	AT(PORT_MESSAGE, u2.ZeroInit);
	SIZE(PORT_MESSAGE_BUFFER);
	AT(PORT_MESSAGE_BUFFER, Data);
	SIZE(CLIENT_ID);
	AT(CLIENT_ID, UniqueProcess);
	AT(CLIENT_ID, UniqueThread);
	SIZE(PORT_VIEW);
	AT(PORT_VIEW, Length);
	AT(PORT_VIEW, SectionHandle);
	AT(PORT_VIEW, SectionOffset);
	AT(PORT_VIEW, ViewSize);
	AT(PORT_VIEW, ViewBase);
	AT(PORT_VIEW, ViewRemoteBase);
	SIZE(REMOTE_PORT_VIEW);
	AT(REMOTE_PORT_VIEW, Length);
	AT(REMOTE_PORT_VIEW, ViewSize);
	AT(REMOTE_PORT_VIEW, ViewBase);
	SIZE(SECURITY_QUALITY_OF_SERVICE);
	AT(SECURITY_QUALITY_OF_SERVICE, Length);
	AT(SECURITY_QUALITY_OF_SERVICE, ImpersonationLevel);
	AT(SECURITY_QUALITY_OF_SERVICE, ContextTrackingMode);
	AT(SECURITY_QUALITY_OF_SERVICE, EffectiveOnly);
	SIZE(OBJECT_ATTRIBUTES);
	AT(OBJECT_ATTRIBUTES, Length);
	AT(OBJECT_ATTRIBUTES, RootDirectory);
	AT(OBJECT_ATTRIBUTES, ObjectName);
	AT(OBJECT_ATTRIBUTES, Attributes);
	AT(OBJECT_ATTRIBUTES, SecurityDescriptor);
	AT(OBJECT_ATTRIBUTES, SecurityQualityOfService);
	SIZE(UNICODE_STRING);
	AT(UNICODE_STRING, Length);
	AT(UNICODE_STRING, MaximumLength);
	AT(UNICODE_STRING, Buffer);
	SIZE(LARGE_INTEGER);
	AT(LARGE_INTEGER, LowPart);
	AT(LARGE_INTEGER, HighPart);
	AT(LARGE_INTEGER, QuadPart);
	SIZE(PORT_DATA_ENTRY);
	AT(PORT_DATA_INFORMATION, CountDataEntries);
	AT(PORT_DATA_INFORMATION, DataEntries);
	AT(PORT_DATA_ENTRY, Base);
	AT(PORT_DATA_ENTRY, DataLength);
	SIZE(SECURITY_DESCRIPTOR);
	AT(SECURITY_DESCRIPTOR, Control);
	AT(SECURITY_DESCRIPTOR, Owner);
	AT(SECURITY_DESCRIPTOR, Group);
	AT(SECURITY_DESCRIPTOR, Sacl);
	AT(SECURITY_DESCRIPTOR, Dacl);
	SIZE(SECURITY_DESCRIPTOR_RELATIVE);
	AT(SECURITY_DESCRIPTOR_RELATIVE, Owner);
	AT(SECURITY_DESCRIPTOR_RELATIVE, Group);
	AT(SECURITY_DESCRIPTOR_RELATIVE, Sacl);
	AT(SECURITY_DESCRIPTOR_RELATIVE, Dacl);
	SIZE(ACL);
	AT(ACL, AclSize);
	AT(ACL, AceCount);
	SIZE(ACCESS_ALLOWED_ACE);
	AT(ACCESS_ALLOWED_ACE, Mask);
	AT(ACCESS_ALLOWED_ACE, SidStart);
	SIZE(SID);
	AT(SID, SubAuthorityCount);
	AT(SID, IdentifierAuthority);
	AT(SID, SubAuthority);
	return 0;
}
