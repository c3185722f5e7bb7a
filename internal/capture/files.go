package capture

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A Rotation says when a capture goes on in another file; zero values set no limit.
type Rotation struct {
	Size   int64         // bytes of a file, as written; a file is never less than half events
	Time   time.Duration // from the first event of a file to the first of the next
	Events uint64        // shown events of a file
	Keep   int           // files; the oldest are removed
}

// Files is a capture in several files, each of which reads by itself. The file that
// name stands for is never made: "run.scap" becomes run_00001_20060102150405.scap and so
// on, numbered, with the local time at which each was begun.
//
// Before an event is applied to the state the caller asks Due and, if it is, calls
// Next with what is known then.
type Files struct {
	stem, ext string
	rot       Rotation
	opts      Options
	number    int
	kept      []string // oldest first, the current one included

	file   *os.File
	out    counter
	w      *Writer
	head   int64  // bytes of the current file in front of its events
	any    bool   // it has an event
	events uint64 // shown ones that it has
	first  uint64 // time of the first: ns since the epoch
}

// counter counts the bytes that a file got.
type counter struct {
	f *os.File
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.f.Write(b)
	c.n += int64(n)
	return n, err
}

// NewFiles begins the first file. No file is ever overwritten.
func NewFiles(name string, st *snapshot.State, rot Rotation, opts Options) (*Files, error) {
	dir, base := filepath.Split(name)
	stem, packed := strings.CutSuffix(base, ".gz")
	ext := filepath.Ext(stem)
	f := &Files{stem: dir + strings.TrimSuffix(stem, ext), ext: ext, rot: rot, opts: opts}
	if packed {
		f.ext += ".gz"
	}
	return f, f.begin(st)
}

// Due reports whether an event belongs into the next file.
func (f *Files) Due(ev *event.Event) bool {
	t := ev.Type()
	switch {
	case !f.any:
		return false
	case f.opts.Profile == spec.V036 && !t.Enter() && t.Row() != nil && t.Row().Category&spec.OfSyscall != 0:
		return false // in this edition readers need the enter event for it
	case f.rot.Events > 0 && f.events >= f.rot.Events:
		return true
	case f.rot.Time > 0 && ev.TS() >= f.first && ev.TS()-f.first >= uint64(f.rot.Time):
		return true
	}
	// A head larger than the size would leave a file to each event.
	return f.rot.Size > 0 && f.size() >= max(f.rot.Size, 2*f.head)
}

// size returns how many bytes the current file has, or will have once they are
// written; of a compressed file only what is written is known.
func (f *Files) size() int64 {
	if f.opts.Gzip {
		return f.out.n
	}
	return f.out.n + int64(f.w.Buffered())
}

// Next ends the current file and begins the next one, with what st holds. The oldest
// file goes before the new one takes up space.
func (f *Files) Next(st *snapshot.State) error {
	if err := f.Close(); err != nil {
		return err
	}
	return f.begin(st)
}

func (f *Files) begin(st *snapshot.State) error {
	f.number++
	name := fmt.Sprintf("%s_%05d_%s%s", f.stem, f.number, time.Now().Format("20060102150405"), f.ext)
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	f.file, f.kept = file, append(f.kept, name)
	for f.rot.Keep > 0 && len(f.kept) > f.rot.Keep {
		if err := os.Remove(f.kept[0]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return f.abandon(err)
		}
		f.kept = f.kept[1:]
	}
	f.out = counter{f: file}
	w, err := NewWriter(&f.out, st, f.opts)
	if err != nil {
		return f.abandon(err)
	}
	f.w, f.head, f.any, f.events = w, f.out.n, false, 0
	return nil
}

// abandon removes a file that has not got its head.
func (f *Files) abandon(err error) error {
	f.w = nil
	return errors.Join(err, f.file.Close(), os.Remove(f.file.Name()))
}

// WriteEvent appends an event to the current file.
func (f *Files) WriteEvent(ev *event.Event) error {
	if !f.any {
		f.any, f.first = true, ev.TS()
	}
	if ev.Flags&event.StateOnly == 0 {
		f.events++
	}
	return f.w.WriteEvent(ev)
}

// Section starts a section in the current file, as Writer.Section does.
func (f *Files) Section(st *snapshot.State) { f.w.Section(st) }

// Flush writes what waits.
func (f *Files) Flush() error { return f.w.Flush() }

// Close ends the current file.
func (f *Files) Close() error {
	if f.w == nil {
		return nil
	}
	err := f.w.Close()
	f.w = nil
	return errors.Join(err, f.file.Close())
}
