package main

import (
	"errors"
	"os"
	"os/signal"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/container"
	"github.com/lannerhq/lanner/internal/pipeline"
	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/internal/stream"
	"github.com/lannerhq/lanner/kernel/event"
)

// moved counts what a pump did.
type moved struct {
	pipeline.Stats
	sinks []counter // of sinks that have counters of their own
}

// pump moves events until there are no more. quit, if not nil, is called once no
// more are wanted, from any goroutine: the limit is reached or every sink gave up.
func pump(c *cli.Context, src event.Source, out *outputs, snap *snapshot.State, quit func()) (moved, error) {
	st := state.New(snap)
	return pumpWith(c, src, out, func() *state.State { return st }, quit)
}

// pumpWith is pump for a source that keeps up the state itself.
func pumpWith(c *cli.Context, src event.Source, out *outputs, st func() *state.State, quit func()) (moved, error) {
	left := len(out.sinks)
	stats, err := pipeline.Run(src, out.sinks, pipeline.Options{
		Count: c.Uint64("count"),
		State: st,
		OnError: func(err error) {
			out.fail(err)
			switch left--; {
			case quit != nil && (left == 0 || errors.Is(err, stream.ErrFull)):
				quit()
			case errors.Is(err, stream.ErrFull):
				out.abandon()
			}
		},
		OnLimit: func() {
			if quit != nil {
				quit()
			}
		},
	})
	out.over.Store(true)
	out.close()
	return moved{stats, out.counters}, err
}

// source returns a source of events with what else the options ask for.
func (r *request) source(src event.Source) event.Source { return container.Source(src, r.container) }

// scan describes processes and their ancestors, so that parents have names.
func (r *request) scan(pids []int) *snapshot.State {
	var ancestors []int
	for _, pid := range pids {
		for pid > 1 {
			st, err := statOf(pid)
			if err != nil || st.PPID == 0 || slices.Contains(pids, st.PPID) || slices.Contains(ancestors, st.PPID) {
				break
			}
			pid = st.PPID
			ancestors = append(ancestors, pid)
		}
	}
	snap := procfs.Scan(pids, ancestors)
	container.Snapshot(snap, r.container)
	return snap
}

// statOf returns what /proc/PID/stat says of a process.
func statOf(pid int) (procfs.Stat, error) { return procfs.ReadStat("/proc/" + strconv.Itoa(pid)) }

// onStop calls stop, as often as it takes, when the user or the system wants
// tracing to end.
func onStop(stop func()) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	signal.Ignore(unix.SIGPIPE)
	go func() {
		for range ch {
			stop()
		}
	}()
}
