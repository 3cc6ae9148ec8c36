package pdb

import "fmt"

// dbi is the DBI stream, number 3 (LLVM, "The PDB DBI Stream"): what was linked,
// and where the other streams are.
type dbi struct {
	present bool
	age     uint32
	machine uint16
	symbols int   // stream of symbol records
	modules []int // streams of the modules' symbols, one entry for each module
	sizes   []uint32
	debug   [dbgStreams]int // streams of the optional debug header
}

// The optional debug header lists streams in this order.
const (
	dbgFPO = iota
	dbgException
	dbgFixup
	dbgOmapToSource
	dbgOmapFromSource
	dbgSections
	dbgTokenRID
	dbgXdata
	dbgPdata
	dbgFrameData // "new FPO"
	dbgOriginalSections
	dbgStreams
)

func readDBI(data []byte) (dbi, error) {
	d := dbi{symbols: noStream}
	for i := range d.debug {
		d.debug[i] = noStream
	}
	if len(data) == 0 { // a database of types alone
		return d, nil
	}
	c := newCursor("DBI stream", data)
	signature, version := c.U32("signature"), c.U32("version")
	if c.err() == nil && (signature != 0xffffffff || version < 19970606) { // V60
		return d, fmt.Errorf("the DBI stream has version %d, expected 19970606 or later", version)
	}
	d.present, d.age = true, c.U32("age")
	c.Skip("the globals and build number", 4)
	c.Skip("the publics and DLL version", 4)
	d.symbols = int(c.U16("stream of symbol records"))
	c.Skip("DLL build", 2)
	var sizes [5]int64 // modules, contributions, section map, files, type servers
	for i := range sizes {
		sizes[i] = int64(c.U32("size of a part"))
	}
	c.U32("type server index")
	debug, edit := int64(c.U32("size of the debug header")), int64(c.U32("size of the edit-and-continue part"))
	c.U16("flags")
	d.machine = c.U16("machine")
	c.U32("padding")
	if err := d.readModules(&c, sizes[0]); err != nil {
		return d, err
	}
	for _, n := range sizes[1:] {
		c.Skip("a part", n)
	}
	c.Skip("the edit-and-continue part", edit)
	for i := 0; i < dbgStreams && int64(i) < debug/2; i++ {
		d.debug[i] = int(c.U16("a stream of the debug header"))
	}
	return d, c.err()
}

// readModules reads the list of modules, which has size bytes.
func (d *dbi) readModules(c *cursor, size int64) error {
	part := c.Bytes("the modules", size, c.Size())
	m := newCursor("list of modules", part)
	for m.Left() > 0 {
		m.Skip("a module's contribution", 4+28)
		m.U16("flags")
		d.modules = append(d.modules, int(m.U16("stream of a module")))
		d.sizes = append(d.sizes, m.U32("size of a module's symbols"))
		m.Skip("the rest of a module", 4+4+2+2+4+4+4)
		m.name(false) // of the module
		m.name(false) // of the object file
		if m.err() != nil {
			break
		}
		m.Skip("padding", -m.Offset()&3)
	}
	return m.err()
}
