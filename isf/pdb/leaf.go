package pdb

// Kinds of type records (LLVM, CodeViewTypes.def). Those whose names end in ST
// were written before 2003 and have names that begin with their length.
const (
	lfVtshape    = 0x000a
	lfLabel      = 0x000e
	lfModifier   = 0x1001
	lfPointer    = 0x1002
	lfProcedure  = 0x1008
	lfMFunction  = 0x1009
	lfArglist    = 0x1201
	lfFieldlist  = 0x1203
	lfBitfield   = 0x1205
	lfMethodlist = 0x1206
	lfVftable    = 0x151d

	lfArrayST     = 0x1003
	lfClassST     = 0x1004
	lfStructureST = 0x1005
	lfUnionST     = 0x1006
	lfEnumST      = 0x1007
	lfArray       = 0x1503
	lfClass       = 0x1504
	lfStructure   = 0x1505
	lfUnion       = 0x1506
	lfEnum        = 0x1507
	lfAlias       = 0x150a
	lfInterface   = 0x1519
	lfClass2      = 0x1608 // from Visual Studio 2019 on; not in LLVM's table
	lfStructure2  = 0x1609

	// Within a field list.
	lfBclass       = 0x1400
	lfVbclass      = 0x1401
	lfIvbclass     = 0x1402
	lfIndex        = 0x1404
	lfVfunctab     = 0x1409
	lfEnumerateST  = 0x0403
	lfMemberST     = 0x1405
	lfStmemberST   = 0x1406
	lfMethodST     = 0x1407
	lfNesttypeST   = 0x1408
	lfOnemethodST  = 0x140b
	lfNesttypeExST = 0x140d
	lfFriendfcnST  = 0x1403
	lfFriendcls    = 0x140a
	lfVfuncoff     = 0x140c
	lfEnumerate    = 0x1502
	lfFriendfcn    = 0x150c
	lfMember       = 0x150d
	lfStmember     = 0x150e
	lfMethod       = 0x150f
	lfNesttype     = 0x1510
	lfOnemethod    = 0x1511
	lfNesttypeEx   = 0x1512

	// In the IPI stream.
	lfFuncID  = 0x1601
	lfMfuncID = 0x1602
)

// Bits of a structure's properties.
const (
	propForward = 0x0080 // says the name only; the members stand in another record
	propUnique  = 0x0200 // a second name follows, which no other type bears
)
