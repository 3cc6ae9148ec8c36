package snapshot

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// Write writes the pools of a view. w is written in order, once; what it needs to
// be whole on disk is the caller's business. i.Processes is filled in. Processes
// that could not be read are written with their reason.
func Write(w io.Writer, v *lpcpool.View, i Info) error {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("writing a snapshot: %w", err)
	}
	defer func() { _ = enc.Close() }()
	o := &writer{w: w, enc: enc}
	o.put(le.AppendUint64(le.AppendUint64(nil, le.Uint64([]byte(fileMagic))), version))
	pools := v.Pools()
	i.Processes = len(pools)
	o.json(chunk{kind: kindInfo}, i)
	for _, p := range pools {
		o.json(chunk{kind: kindProcess, pool: p.Number}, describe(p))
	}
	for _, p := range pools {
		for c := range v.Copies(p) {
			o.chunk(chunk{kind: kindExtent, pool: p.Number, index: c.Index}, content(c))
		}
	}
	o.chunk(chunk{kind: kindEnd}, nil)
	if o.err != nil {
		return fmt.Errorf("writing a snapshot: %w", o.err)
	}
	return nil
}

// describe is what is known of a process beside its pool. An end of the process
// in between does not matter: its memory is read as it left it.
func describe(p *lpcpool.Pool) process {
	r := process{ID: p.Process.ID, Parent: p.Process.Parent, Image: p.Process.Image, Start: p.Process.Start, Extents: len(p.Extents)}
	if p.Process.Err != nil {
		r.Error = p.Process.Err.Error()
	}
	for _, o := range p.Ports {
		r.Ports = append(r.Ports, port{o.Type, o.Name, o.Path})
	}
	return r
}

// content is an extent chunk's content.
func content(c *lpcpool.Copy) []byte {
	b := le.AppendUint64(nil, c.Data)
	b = le.AppendUint64(b, c.Missing)
	b = le.AppendUint32(b, uint32(len(c.Torn)))
	b = le.AppendUint32(b, 0)
	for _, off := range c.Torn {
		b = le.AppendUint32(b, off)
	}
	for i := range uint64(pages) {
		if c.Data&(1<<i) != 0 {
			b = append(b, c.Bytes[i*pageSize:(i+1)*pageSize]...)
		}
	}
	return b
}

// writer writes chunks; its first error sticks.
type writer struct {
	w   io.Writer
	enc *zstd.Encoder
	err error
}

func (o *writer) put(b []byte) {
	if o.err == nil {
		_, o.err = o.w.Write(b)
	}
}

func (o *writer) json(c chunk, v any) {
	b, err := json.Marshal(v)
	if err == nil && len(b) > maxJSON {
		err = fmt.Errorf("the description of pool %d has %d bytes, the limit is %d", c.pool, len(b), maxJSON)
	}
	if err != nil && o.err == nil {
		o.err = err
	}
	o.chunk(c, b)
}

func (o *writer) chunk(c chunk, plain []byte) {
	if o.err != nil {
		return
	}
	frame := o.enc.EncodeAll(plain, nil)
	c.packed, c.plain, c.crc = uint32(len(frame)), uint32(len(plain)), crc32.Checksum(frame, castag)
	o.put(c.header())
	o.put(frame)
}
