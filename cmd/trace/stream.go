package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/internal/container"
	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/internal/state"
	"github.com/lannerhq/lanner/internal/stream"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// catStream is the category of options for -w with an address.
const catStream = "streams (-w unix:PATH, -w tcp:HOST:PORT)"

// Options of streams.
var (
	streamFlags = []cli.Flag{
		&cli.StringFlag{Name: "stream-buffer", Category: catStream, Value: "8M", Usage: "keep `SIZE` bytes of events while nobody takes them (K, M and G are understood)"},
		&cli.StringFlag{Name: "stream-full", Category: catStream, Value: "drop", Usage: "when the buffer is full: drop events, and count them; block: what is traced waits until somebody takes some, or a signal asks to end; exit, COMMAND with it"},
		&cli.DurationFlag{Name: "stream-wait", Category: catStream, Usage: "begin only when somebody listens; fail if nobody does within `DURATION`, as 30s"},
	}
	tokenFlag = &cli.StringFlag{Name: "token-file", Category: catStream, Usage: "both ends know the secret in `FILE`: prove that, and encrypt"}
)

// streamed is a sink that sends.
type streamed struct {
	*stream.Sender
	name string
}

func (s streamed) Write(ev *event.Event, st *state.State) error {
	return sinkError("send events to", s.name, s.Sender.Write(ev, st))
}

func (s streamed) Flush() error { return sinkError("send events to", s.name, s.Sender.Flush()) }

// openStream connects to a listener.
func (o *outputs) openStream(c *cli.Context, snap *snapshot.State, in spec.Profile) error {
	cfg := stream.SenderConfig{Profile: in}
	id, err := containerID(c)
	if err != nil {
		return err
	}
	cfg.Identity = stream.Self(in, id)
	if snap.InitialIDs {
		cfg.Identity.SetInitial()
	}
	if cfg.Address, err = stream.ParseAddress(c.String("write")); err != nil {
		return usage(err.Error())
	}
	if c.Bool("compress") {
		return usage("--compress is for files; streams are not compressed")
	}
	if cfg.Buffer, err = parseSize(c.String("stream-buffer")); err != nil || cfg.Buffer < stream.MinBuffer {
		return usage(fmt.Sprintf("--stream-buffer %s: not a size of at least %dK", c.String("stream-buffer"), stream.MinBuffer>>10))
	}
	switch full := c.String("stream-full"); full {
	case "drop":
	case "block":
		cfg.Full = stream.Block
	case "exit":
		cfg.Full = stream.Exit
	default:
		return usage(fmt.Sprintf("unknown --stream-full %q: drop, block or exit", full))
	}
	if cfg.Token, err = readToken(c); err != nil {
		return err
	}
	quiet := c.Bool("quiet")
	cfg.Notice = func(line string) { notice(quiet, line) }
	cfg.Alarm = func(line string) { notice(false, line) } // also with -q: the workload waits
	s, err := stream.NewSender(cfg, snap)
	if err != nil {
		return err
	}
	o.hurries = append(o.hurries, s.Hurry)
	o.sinks = append(o.sinks, streamed{s, cfg.Address.String()})
	o.restarts = append(o.restarts, s.Restart)
	o.closers = append(o.closers, func() error {
		st, err := s.Close()
		o.counters = append(o.counters, counter{"stream_sent", st.Sent}, counter{"stream_dropped_no_room", st.NoRoom},
			counter{"stream_dropped_no_listener", st.NoListener}, counter{"stream_dropped_refused", st.Refused},
			counter{"stream_connections", st.Connections})
		if line := s.Report(st); line != "" {
			notice(quiet, line)
		}
		return err
	})
	if d := c.Duration("stream-wait"); d > 0 {
		notice(quiet, fmt.Sprintf("waiting up to %v for somebody to listen at %s", d, cfg.Address))
		return s.Wait(d)
	}
	return nil
}

// ownContainer is the id of the container that we are in.
var ownContainer = sync.OnceValue(container.ID)

// containerID returns the id of the container that events are of, empty if they are of
// none or of several.
func containerID(c *cli.Context) (string, error) {
	id := c.String("container-id")
	switch {
	case id != "" && !container.Valid(id):
		return "", usage(fmt.Sprintf("--container-id %q: not the id of a container", id))
	case id != "":
		return id, nil
	case c.Bool("host") || c.IsSet("cgroup") || c.IsSet("read"):
		return "", nil
	}
	return ownContainer(), nil
}

// readToken reads the file of --token-file, nil if there is none.
func readToken(c *cli.Context) (*stream.Token, error) {
	name := c.String("token-file")
	if name == "" {
		return nil, nil
	}
	t, err := stream.ReadToken(name)
	if err != nil {
		return nil, plain("open", err)
	}
	return t, nil
}

// notice tells what a user should know.
func notice(quiet bool, line string) {
	if !quiet {
		fmt.Fprintln(os.Stderr, "trace: "+line)
	}
}

// parseSize reads a number of bytes, as 65536, 512K, 8M, 8MiB or 1G.
func parseSize(s string) (int, error) {
	digits := strings.TrimRight(s, "KMGiB")
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil {
		return 0, err
	}
	shift := 0
	switch unit := strings.TrimSuffix(strings.TrimSuffix(s[len(digits):], "B"), "i"); unit {
	case "":
	case "K":
		shift = 10
	case "M":
		shift = 20
	case "G":
		shift = 30
	default:
		return 0, fmt.Errorf("unknown unit %q", unit)
	}
	const most = 1 << 36
	if n<<shift > most {
		return 0, fmt.Errorf("more than %d bytes", uint64(most))
	}
	return int(n << shift), nil
}
