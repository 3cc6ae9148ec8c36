package pool

import "testing"

func TestSmoke(t *testing.T) {
	p, err := Process()
	if err != nil {
		t.Fatal(err)
	}
	m, a, err := New[Message](p, TagMessage, 0)
	if err != nil {
		t.Fatal(err)
	}
	m.Slot = 3
	t.Logf("%#x used %d types %d msg %#x port %#x thread %#x msgblock", uint64(a), p.hdr.Used, p.hdr.TypesLength, sizeof[Message](), sizeof[PortObject](), sizeof[Thread]())
}
