package ntdump

// placeThread finds the addresses of the thread and the process whose records a
// small dump holds as copies, and adds them to its memory. The processor's record
// names the thread, the thread names the process; where they stand is told by the
// debugger data or, on builds before it did, by the built-in types (reference
// 3.4). Called once, before the dump is given out.
func (d *Dump) placeThread() {
	t := d.small
	k := d.Debugger()
	ptr := int64(d.PointerSize())
	size := func(f Field16, structure string) int64 {
		if n, ok := k.Offset(f); ok {
			return int64(n)
		}
		if d.Types() != nil {
			if l := d.Types().Layout(structure); l != nil {
				return int64(l.Size)
			}
		}
		return 0
	}
	off := func(f Field16, structure, path string) (int64, bool) {
		if n, ok := k.Offset(f); ok {
			return int64(n), true
		}
		n, ok := d.offset(structure, path)
		return int64(n), ok
	}
	at := func(base int64, ok bool, o int64, field bool) uint64 {
		if !ok || !field || base == 0 || base == filler32 {
			return 0
		}
		var b [8]byte
		if n, err := d.readFile(base+o, b[:ptr]); err != nil || int64(n) < ptr {
			return 0
		}
		if v := Word(b[:], int(ptr)); d.kernel(v) {
			return v
		}
		return 0
	}
	o, ok := off(PrcbCurrentThread, "_KPRCB", "CurrentThread")
	t.threadAddr = at(t.prcb, true, o, ok)
	o, ok = off(KThreadApcProcess, "_KTHREAD", "ApcState.Process")
	t.processAddr = at(t.thread, true, o, ok)
	added := &blocks{list: d.blocks.list, total: d.blocks.total}
	if t.threadAddr != 0 && t.thread != 0 {
		added.add(t.threadAddr, t.thread, size(SizeEThread, "_ETHREAD"), d)
	}
	if t.processAddr != 0 && t.process != 0 {
		added.add(t.processAddr, t.process, size(SizeEProcess, "_EPROCESS"), d)
	}
	added.settle()
	d.blocks = added
}
