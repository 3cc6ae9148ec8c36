package ntconform

// Kind says how a parameter is written in a Request and what comes back.
type Kind int

// "nil" is a null pointer for every kind that is one. A driver with pointers also
// takes "bad" (unmapped), "odd" (not aligned) and "ro" (not writable).
const (
	Number   Kind = iota // in: 0x…
	OutNum               // pointer to a number: its value before; comes back with that after
	Text                 // "=" and the text
	Msg                  // hex of MessageSize bytes; comes back
	Same                 // a Msg that may be "alias": the same pointer as the parameter before it
	View                 // PORT_VIEW: its numbers with commas; comes back
	Remote               // REMOTE_PORT_VIEW, likewise
	QoS                  // SECURITY_QUALITY_OF_SERVICE, likewise, only in
	SID                  // "=S-1-…", only in
	Buffer               // hex of bytes; comes back
	Security             // hex of a self-relative SECURITY_DESCRIPTOR; "nil": none
	numKinds
)

// A Parameter of a call.
type Parameter struct {
	Name string
	Kind Kind
}

// Calls are the calls that a driver can make, and their parameters in NT's order.
// ObjectAttributes stands for itself ("nil" or "is") with its parts behind it.
var Calls = map[string][]Parameter{
	"NtCreatePort":         createPort,
	"NtCreateWaitablePort": createPort,
	"NtConnectPort": {{"PortHandle", OutNum}, {"PortName", Text}, {"SecurityQos", QoS}, {"ClientView", View}, {"ServerView", Remote},
		{"MaxMessageLength", OutNum}, {"ConnectionInformation", Buffer}, {"ConnectionInformationLength", OutNum}},
	"NtSecureConnectPort": {{"PortHandle", OutNum}, {"PortName", Text}, {"SecurityQos", QoS}, {"ClientView", View}, {"ServerSid", SID}, {"ServerView", Remote},
		{"MaxMessageLength", OutNum}, {"ConnectionInformation", Buffer}, {"ConnectionInformationLength", OutNum}},
	"NtListenPort":                  {{"PortHandle", Number}, {"ConnectionRequest", Msg}},
	"NtAcceptConnectPort":           {{"PortHandle", OutNum}, {"PortContext", Number}, {"ConnectionRequest", Msg}, {"AcceptConnection", Number}, {"ServerView", View}, {"ClientView", Remote}},
	"NtCompleteConnectPort":         {{"PortHandle", Number}},
	"NtRequestPort":                 {{"PortHandle", Number}, {"RequestMessage", Msg}},
	"NtRequestWaitReplyPort":        {{"PortHandle", Number}, {"RequestMessage", Msg}, {"ReplyMessage", Same}},
	"NtReplyPort":                   {{"PortHandle", Number}, {"ReplyMessage", Msg}},
	"NtReplyWaitReplyPort":          {{"PortHandle", Number}, {"ReplyMessage", Msg}},
	"NtReplyWaitReceivePort":        {{"PortHandle", Number}, {"PortContext", OutNum}, {"ReplyMessage", Msg}, {"ReceiveMessage", Same}},
	"NtReplyWaitReceivePortEx":      {{"PortHandle", Number}, {"PortContext", OutNum}, {"ReplyMessage", Msg}, {"ReceiveMessage", Same}, {"Timeout", OutNum}},
	"NtImpersonateClientOfPort":     {{"PortHandle", Number}, {"Message", Msg}},
	"NtReadRequestData":             requestData,
	"NtWriteRequestData":            requestData,
	"NtQueryInformationPort":        {{"PortHandle", Number}, {"PortInformationClass", Number}, {"PortInformation", Buffer}, {"ReturnLength", OutNum}},
	"NtRegisterThreadTerminatePort": {{"PortHandle", Number}},
	"NtCreateSection": {{"SectionHandle", OutNum}, {"DesiredAccess", Number}, {"MaximumSize", OutNum},
		{"SectionPageProtection", Number}, {"AllocationAttributes", Number}, {"FileHandle", Number}},
	"NtMapViewOfSection": {{"SectionHandle", Number}, {"ProcessHandle", Number}, {"BaseAddress", OutNum}, {"ZeroBits", Number}, {"CommitSize", Number},
		{"SectionOffset", OutNum}, {"ViewSize", OutNum}, {"InheritDisposition", Number}, {"AllocationType", Number}, {"Win32Protect", Number}},
	"NtUnmapViewOfSection": {{"ProcessHandle", Number}, {"BaseAddress", Number}},
	"NtDuplicateObject": {{"SourceProcessHandle", Number}, {"SourceHandle", Number}, {"TargetProcessHandle", Number}, {"TargetHandle", OutNum},
		{"DesiredAccess", Number}, {"HandleAttributes", Number}, {"Options", Number}},
	"NtClose":                {{"Handle", Number}},
	"NtWaitForSingleObject":  {{"Handle", Number}, {"Alertable", Number}, {"Timeout", OutNum}},
	"NtSetInformationThread": {{"ThreadHandle", Number}, {"ThreadInformationClass", Number}, {"ThreadInformation", Buffer}},

	// What a driver can do besides, in the process of the thread.
	"Identify": {},                                      // the thread's ids come back as Process and Thread
	"Exit":     {},                                      // the thread ends
	"Alloc":    {{"Size", Number}},                      // memory that stays; comes back as Address
	"Peek":     {{"Address", Number}, {"Size", Number}}, // Data comes back, "absent" where it is not mapped
	"Poke":     {{"Address", Number}, {"Data", Buffer}}, //
	"Protect":  {{"Address", Number}, {"Size", Number}}, // takes all access to that memory away
}

var (
	createPort = []Parameter{{"PortHandle", OutNum}, {"ObjectAttributes", Text}, {"ObjectName", Text}, {"Attributes", Number}, {"SecurityDescriptor", Security},
		{"MaxConnectionInfoLength", Number}, {"MaxMessageLength", Number}, {"MaxPoolUsage", Number}}
	requestData = []Parameter{{"PortHandle", Number}, {"Message", Msg}, {"DataEntryIndex", Number}, {"Buffer", Buffer}, {"NumberOfBytes", OutNum}}
)
