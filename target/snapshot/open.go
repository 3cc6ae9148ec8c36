package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// Format recognises a snapshot.
var Format = target.Format{
	Name: "lpc snapshot",
	Match: func(head []byte) bool {
		return len(head) >= len(fileMagic) && string(head[:len(fileMagic)]) == fileMagic
	},
	Open: target.Opener(Open),
}

// Target is an open snapshot. It is for one goroutine at a time.
type Target struct {
	*lpcpool.View
	f     *os.File
	path  string
	info  Info
	lost  string // what the file does not hold because it was cut short or damaged
	dec   *zstd.Decoder
	cache map[*extent]*unpacked
	old   []*extent // in the order in which they were unpacked
}

var _ target.Target = (*Target)(nil)

// maxUnpacked bounds the memory of unpacked extents: 128 MiB.
const maxUnpacked = 512

// Open opens a snapshot. A file that was cut short is opened with what is whole.
func Open(path string) (*Target, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening a snapshot: %w", err)
	}
	t := &Target{f: f, path: path, cache: map[*extent]*unpacked{}}
	t.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPlain), zstd.WithDecoderLowmem(true))
	if err == nil {
		if err = t.read(); err != nil {
			t.dec.Close()
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("opening snapshot %s: %w", path, err)
	}
	return t, nil
}

// contents is what the chunks of a file say.
type contents struct {
	procs   []*lpcpool.Pool
	of      map[uint32]*lpcpool.Pool
	said    map[uint32]int // extents by pool, as the process chunk says
	extents int
	info    bool
	end     bool
}

func (t *Target) read() error {
	st, err := t.f.Stat()
	if err != nil {
		return err
	}
	var head [fileHeader]byte
	if _, err := t.f.ReadAt(head[:], 0); err != nil {
		return fmt.Errorf("its header of %d bytes: %w", fileHeader, short(err))
	}
	if string(head[:8]) != fileMagic {
		return fmt.Errorf("it begins with % x, expected %q", head[:8], fileMagic)
	}
	if v := le.Uint32(head[8:]); v != version {
		return fmt.Errorf("it has version %d, this program reads %d", v, version)
	}
	c := &contents{of: map[uint32]*lpcpool.Pool{}, said: map[uint32]int{}}
	damage := t.chunks(c, st.Size())
	if !c.info {
		return fmt.Errorf("it does not say when and where it was taken: %w", cmpErr(damage, errors.New("its first chunk is missing")))
	}
	t.lost = c.missing(t.info.Processes, damage)
	for _, p := range c.procs {
		if len(p.Extents) == 0 && p.Process.Err == nil {
			p.Process.Err = fmt.Errorf("the pool of process %d is not in the snapshot, which was cut short", p.Process.ID)
		}
	}
	t.View = lpcpool.New(c.procs)
	return nil
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func short(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the file ends in it")
	}
	return err
}

// chunks reads the chunks in order, up to the end chunk, or to the first that is
// not whole: the error says how.
func (t *Target) chunks(c *contents, size int64) error {
	at := int64(fileHeader)
	for range maxChunks {
		if at == size {
			return fmt.Errorf("the file ends at %#x without an end chunk", at)
		}
		var b [chunkHeader]byte
		if _, err := t.f.ReadAt(b[:], at); err != nil {
			return fmt.Errorf("the header of the chunk at %#x: %w", at, short(err))
		}
		k, err := parseChunk(b[:])
		if err != nil {
			return fmt.Errorf("the header of the chunk at %#x: %w", at, err)
		}
		k.at = at + chunkHeader
		if k.at+int64(k.packed) > size {
			return fmt.Errorf("the chunk at %#x has %d bytes, and the file ends after %d of them", at, k.packed, size-k.at)
		}
		if err := t.chunk(c, k); err != nil {
			return fmt.Errorf("the chunk at %#x: %w", at, err)
		}
		if c.end {
			return nil
		}
		at = k.at + int64(k.packed)
	}
	return fmt.Errorf("it has more than %d chunks", maxChunks)
}

// chunk takes one chunk in.
func (t *Target) chunk(c *contents, k chunk) error {
	switch k.kind {
	case kindInfo:
		if err := t.json(k, &t.info); err != nil {
			return err
		}
		c.info = true
	case kindProcess:
		var r process
		if err := t.json(k, &r); err != nil {
			return err
		}
		if len(c.procs) >= maxProcs {
			return fmt.Errorf("it is the description of one more process than %d", maxProcs)
		}
		if c.of[k.pool] != nil {
			return fmt.Errorf("it describes pool %d a second time", k.pool)
		}
		p := &lpcpool.Pool{
			Number: k.pool, Extents: map[uint32]lpcpool.Bytes{}, Ports: r.objects(),
			Process: target.Process{ID: r.ID, Parent: r.Parent, Image: r.Image, Start: r.Start},
		}
		if r.Error != "" {
			p.Process.Err = errors.New(r.Error)
		}
		c.procs, c.of[k.pool], c.said[k.pool] = append(c.procs, p), p, r.Extents
	case kindExtent:
		p := c.of[k.pool]
		if p == nil || p.Extents[k.index] != nil {
			return fmt.Errorf("extent %d of pool %d, which is not described, or a second time", k.index, k.pool)
		}
		p.Extents[k.index] = &extent{t, k}
		c.extents++
	case kindEnd:
		c.end = true
	}
	return nil
}

// json unpacks a chunk that is JSON.
func (t *Target) json(k chunk, v any) error {
	if k.plain > maxJSON {
		return fmt.Errorf("it has %d bytes unpacked, expected at most %d", k.plain, maxJSON)
	}
	plain, err := t.plain(k)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, v)
}

// plain reads and unpacks a chunk.
func (t *Target) plain(k chunk) ([]byte, error) {
	frame := make([]byte, k.packed)
	if _, err := t.f.ReadAt(frame, k.at); err != nil {
		return nil, short(err)
	}
	return k.unpack(t.dec, frame)
}

// unpacked is an extent's content; the oldest is dropped for it when there are
// many.
func (t *Target) unpacked(e *extent) *unpacked {
	if u := t.cache[e]; u != nil {
		return u
	}
	plain, err := t.plain(e.c)
	var u *unpacked
	if err == nil {
		u, err = parseContent(plain)
	}
	if err != nil {
		u = &unpacked{why: fmt.Sprintf("the snapshot's chunk at %#x: %v", e.c.at-chunkHeader, err)}
	}
	if len(t.old) >= maxUnpacked {
		delete(t.cache, t.old[0])
		t.old = t.old[1:]
	}
	t.cache[e], t.old = u, append(t.old, e)
	return u
}

// missing says what a file that was cut short has lost, "" when it was not.
func (c *contents) missing(processes int, damage error) string {
	if damage == nil {
		return ""
	}
	said := 0
	for _, n := range c.said {
		said += n
	}
	what := fmt.Sprintf("cut short or damaged (%v)", damage)
	if n := processes - len(c.procs); n > 0 {
		return fmt.Sprintf("%s: it names %d of %d processes and holds no pools", what, len(c.procs), processes)
	}
	return fmt.Sprintf("%s: it holds %d of %d pool extents", what, c.extents, said)
}

// Info is where and when it was taken.
func (t *Target) Info() Info { return t.info }

// Lost says what of the file could not be read, "" when all of it could.
func (t *Target) Lost() string { return t.lost }

// Describe is target.Target's.
func (t *Target) Describe() string {
	i := t.info
	var b strings.Builder
	fmt.Fprintf(&b, "snapshot %s of %d processes, taken %s on %s (%s %s %s)", t.path, i.Processes, i.Taken.Format(time.RFC3339), i.Host, i.System, i.Release, i.Machine)
	if t.lost != "" {
		b.WriteString("; " + t.lost)
	}
	return b.String()
}

// Now is when the snapshot was taken.
func (t *Target) Now() time.Time { return t.info.Taken }

// Close closes the file.
func (t *Target) Close() error {
	clear(t.cache)
	t.old = nil
	t.dec.Close()
	return t.f.Close()
}
