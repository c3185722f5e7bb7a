package main

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/internal/stream"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

func serveCommand() *cli.Command {
	own := []cli.Flag{
		&cli.StringFlag{Name: "listen", Category: catWhat, Usage: "listen at `ADDRESS`: unix:PATH or tcp:HOST:PORT"},
		&cli.StringFlag{Name: "socket-mode", Category: catWhat, Value: "0600", Usage: "permissions of a Unix socket: `MODE`, as 0660 for tracers of the same group"},
	}
	for _, f := range flags() {
		switch f.Names()[0] {
		case "count", "snaplen", "profile":
			own = append(own, f)
			continue
		}
		if k, ok := f.(cli.CategorizableFlag); ok && slices.Contains([]string{catOut, catStream, catUdig}, k.GetCategory()) {
			own = append(own, f)
		}
	}
	return &cli.Command{
		Name:      "serve",
		Usage:     "receive events of many tracers, which run with -w ADDRESS",
		UsageText: "trace serve [options] --listen ADDRESS",
		Description: `trace serve takes the streams of tracers (trace -w ADDRESS), merges them by
   time and prints, writes or passes on what they tell, like trace itself. Thread ids
   of other PID namespaces than its own have a number for the namespace in their high
   32 bits. It ends with SIGINT or SIGTERM.

EXAMPLES:
   trace serve --listen unix:/run/lanner.sock                  events of all as text
   trace -w unix:/run/lanner.sock -- ./server                  a tracer for it
   trace serve --listen unix:/shared/s --socket-mode 0660 --json
   trace serve --listen tcp:127.0.0.1:7070 -q -w all.scap      a capture of all
   trace serve --listen tcp:0.0.0.0:7070 --token-file secret   beyond this machine`,
		Flags:        own,
		Action:       serve,
		OnUsageError: usageError,
	}
}

// serve receives events until the user has had enough.
func serve(c *cli.Context) error {
	if c.Args().Len() > 0 {
		return usage("trace serve takes no arguments")
	}
	if c.String("listen") == "" {
		return usage("trace serve takes --listen ADDRESS: where tracers (trace -w ADDRESS) connect to")
	}
	if err := oneForm(c); err != nil {
		return err
	}
	in, err := profile(c)
	if err != nil {
		return err
	}
	if _, err := rotation(c); err != nil {
		return err
	}
	if err := idle(c, c.String("write"), true); err != nil {
		return err
	}
	quiet := c.Bool("quiet")
	r := &reception{st: state.New(nil), out: &outputs{}}
	cfg := stream.ServerConfig{Join: r.join, Leave: r.leave, Notice: func(line string) { notice(quiet, line) }}
	if in == spec.V036 {
		cfg.Only = in // its readers know no other
	}
	if cfg.Address, err = stream.ParseAddress(c.String("listen")); err != nil {
		return usage(err.Error())
	}
	mode, err := strconv.ParseUint(c.String("socket-mode"), 8, 32)
	if err != nil || mode > 0o777 || mode&0o600 != 0o600 {
		return usage(fmt.Sprintf("--socket-mode %s: octal permissions with 0600 at least", c.String("socket-mode")))
	}
	cfg.Mode = fs.FileMode(mode)
	if cfg.Token, err = readToken(c); err != nil {
		return err
	}
	here := procfs.Scan([]int{}, nil)
	r.st = state.New(here)
	srv, err := stream.Listen(cfg)
	if err != nil {
		return err
	}
	defer srv.Close()
	onStop(func() { go srv.Close() })
	if r.out, err = openOutputs(c, os.Stdout, here, in); err != nil {
		return err
	}
	onStop(r.out.hurry)
	stats, err := pumpWith(c, srv, r.out, r.state, func() { go srv.Close() })
	if err != nil {
		return err
	}
	got := srv.Stats()
	if got.Dropped > 0 {
		notice(quiet, fmt.Sprintf("tracers dropped %d events", got.Dropped))
	}
	printStats(c, []counter{{"tracers", got.Tracers}, {"refused", got.Refused}, {"received", got.Events},
		{"dropped_by_tracers", got.Dropped}, {"late", got.Late}}, stats)
	if r.out.failed {
		return silent(codeFailure)
	}
	return nil
}

// A reception keeps up what is known of all tracers.
type reception struct {
	st   *state.State
	out  *outputs
	todo []change // of st, which go with the next event
}

// A change is what a tracer says there is, or that nothing more will be told of
// namespaces.
type change struct {
	t    *stream.Tracer
	snap *snapshot.State // nil if it left
	gone []int64
}

// Tracers may come and go for long without an event: what became void is not kept.

// join takes over what a tracer says there is, instead of what it said before.
func (r *reception) join(t *stream.Tracer, snap *snapshot.State) {
	r.drop(func(c change) bool { return c.t == t && c.snap != nil })
	r.todo = append(r.todo, change{t: t, snap: snap})
}

// leave forgets the threads of namespaces of which nothing more will be told.
func (r *reception) leave(t *stream.Tracer, gone []int64) {
	r.drop(func(c change) bool { return c.t == t || c.snap == nil && slices.Equal(c.gone, gone) })
	if len(gone) > 0 {
		r.todo = append(r.todo, change{t: t, gone: gone})
	}
}

func (r *reception) drop(void func(change) bool) { r.todo = slices.DeleteFunc(r.todo, void) }

// state returns the state as it is before the event just read.
func (r *reception) state() *state.State {
	for _, c := range r.todo {
		if c.snap == nil {
			r.st.Forget(func(tid int64) bool { return slices.Contains(c.gone, numberOf(tid)) })
			continue
		}
		// The machine is ours. Users of containers may differ: the first who is
		// told of under a number is it.
		c.snap.Machine = snapshot.Machine{}
		c.snap.Users = slices.DeleteFunc(c.snap.Users, func(u snapshot.User) bool { _, known := r.st.UserName(u.UID); return known })
		c.snap.Groups = slices.DeleteFunc(c.snap.Groups, func(g snapshot.Group) bool { _, known := r.st.GroupName(g.GID); return known })
		r.st.Add(c.snap)
		foreign := slices.ContainsFunc(c.snap.Threads, func(th snapshot.Thread) bool { return numberOf(th.TID) != 0 })
		r.out.joined(c.snap, foreign)
	}
	clear(r.todo)
	r.todo = r.todo[:0]
	return r.st
}

// numberOf returns what says, in a thread id, of which namespace it is: see
// stream.Tracer.Base.
func numberOf(tid int64) int64 { return tid &^ (1<<32 - 1) }
