package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/internal/capture"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/internal/stream"
	"github.com/lannerhq/lanner/kernel/event"
)

// rotation reads the options that divide a capture into files.
func rotation(c *cli.Context) (r capture.Rotation, err error) {
	if r.Size, err = fileSize(c.String("file-size")); err != nil {
		return r, usage("-C " + err.Error())
	}
	if r.Time, err = fileTime(c.String("file-time")); err != nil {
		return r, usage("-G " + err.Error())
	}
	r.Events, r.Keep = c.Uint64("file-events"), c.Int("files")
	switch limits := r.Size > 0 || r.Time > 0 || r.Events > 0; {
	case c.IsSet("file-events") && r.Events == 0:
		return r, usage("--file-events 0: it takes 1 or more")
	case c.IsSet("files") && r.Keep < 1:
		return r, usage(fmt.Sprintf("-W %d: it takes 1 or more", r.Keep))
	case c.IsSet("files") && !limits:
		return r, usage("-W says how many files are kept; -C, -G or --file-events when another one begins")
	case limits && !c.IsSet("write"):
		return r, usage("-C, -G and --file-events divide a capture into files: -w FILE")
	case limits && (c.String("write") == "-" || stream.IsAddress(c.String("write"))):
		return r, usage("-w " + c.String("write") + " is no file: it can't be divided by -C, -G or --file-events")
	}
	return r, nil
}

// fileSize reads a number of bytes as tcpdump(1) does: in millions, or with a unit of
// 1024 bytes, its square or cube.
func fileSize(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	digits, unit := text, int64(1e6)
	for letter, bytes := range map[string]int64{"k": 1 << 10, "m": 1 << 20, "g": 1 << 30} {
		if d, ok := strings.CutSuffix(strings.ToLower(text), letter); ok {
			digits, unit = d, bytes
		}
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is no size: 100 (million bytes), 500k, 100M or 2G", text)
	}
	return int64(n) * unit, nil
}

// fileTime reads a duration; a number alone is of seconds.
func fileTime(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if n, nerr := strconv.ParseUint(text, 10, 31); nerr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no duration: 3600 (seconds), 10m or 1h30m", text)
	}
	return d, nil
}

// split is a capture in several files.
type split struct {
	*capture.Files
	name  string
	stale bool // what the file says there is is not all any more
}

func (s *split) Begin(ev *event.Event, st *state.State) error {
	st.Finish()
	switch {
	case s.Due(ev):
		s.stale = false
		return sinkError("write capture", s.name, s.Next(st.Snapshot()))
	case s.stale:
		s.stale = false
		s.Section(st.Snapshot())
	}
	return nil
}

func (s *split) Write(ev *event.Event, _ *state.State) error {
	return sinkError("write capture", s.name, s.WriteEvent(ev))
}

func (s *split) Flush() error { return sinkError("write capture", s.name, s.Files.Flush()) }

func (s *split) Close() error { return sinkError("write capture", s.name, s.Files.Close()) }

// openFiles begins a capture in several files.
func (o *outputs) openFiles(name string, snap *snapshot.State, rot capture.Rotation, opts capture.Options) error {
	files, err := capture.NewFiles(name, snap, rot, opts)
	if err != nil {
		return plain("write capture", err)
	}
	s := &split{Files: files, name: name}
	o.sinks = append(o.sinks, s)
	o.restarts = append(o.restarts, func() { s.stale = true })
	o.closers = append(o.closers, s.Close)
	return nil
}
