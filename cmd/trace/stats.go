package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/lannerhq/lanner/internal/pipeline"
	"github.com/lannerhq/lanner/kernel"
	"github.com/lannerhq/lanner/ptrace"
)

// A counter is one figure of --stats. Names that start with n_ are those of
// Falco's drivers.
type counter struct {
	name  string
	value uint64
}

// printStats prints the counters of a driver and those of the output, if the user
// wants them: a line each, or one JSON object.
func printStats(c *cli.Context, driver []counter, s moved) {
	if c.Bool("stats") {
		writeStats(os.Stderr, slices.Concat(driver, outputCounters(s.Stats), s.sinks), c.Bool("json"))
	}
}

func outputCounters(s pipeline.Stats) []counter {
	return []counter{{"reported", s.Events}, {"unwritten", s.Lost}}
}

func writeStats(w io.Writer, list []counter, asJSON bool) {
	var b strings.Builder
	for i, c := range list {
		switch {
		case !asJSON:
			fmt.Fprintf(&b, "%s %d\n", c.name, c.value)
		case i == 0:
			fmt.Fprintf(&b, "{%q:%d", c.name, c.value)
		default:
			fmt.Fprintf(&b, ",%q:%d", c.name, c.value)
		}
	}
	if asJSON {
		b.WriteString("}\n")
	}
	io.WriteString(w, b.String())
}

// ptraceCounters are those of the ptrace driver, which loses no event unless it
// has a bug.
func ptraceCounters(s ptrace.Stats) []counter {
	return []counter{{"n_evts", s.Events}, {"n_drops", s.Bugs}, {"stops", s.Stops}}
}

// kernelCounters are those of a kernel driver. The figures of single CPUs are for
// programs.
func kernelCounters(c *cli.Context, s kernel.Stats) (list []counter) {
	for _, m := range s.Metrics() {
		if c.Bool("json") || !strings.Contains(m.Name, "_cpu_") {
			list = append(list, counter{m.Name, m.Value})
		}
	}
	return list
}

// reportLoss says what a kernel driver lost, if it did.
func (r *request) reportLoss(s kernel.Stats) {
	if line := lossLine(s); line != "" {
		r.notice(line)
	}
}

// lossLine words lost events, by kind; empty if there are none.
func lossLine(s kernel.Stats) string {
	const byKind = "n_drops_buffer_"
	var parts, kinds []string
	for _, m := range s.Metrics() {
		if kind, ok := strings.CutPrefix(m.Name, byKind); ok && kind != "total" && m.Value > 0 {
			kinds = append(kinds, fmt.Sprintf("%s %d", kind, m.Value))
		}
	}
	if t := &s.Total; t.Drops() > 0 {
		line := fmt.Sprintf("%d of %d events were lost", t.Drops(), t.Events)
		if t.NoRoom > 0 {
			line += ", as a buffer was full"
			if len(kinds) > 0 {
				line += " (" + strings.Join(kinds, ", ") + ")"
			}
			line += ": a larger --buffer-preset, fewer --events or a faster output helps"
		}
		if t.TooLong > 0 {
			line += fmt.Sprintf("; %d were longer than 64 KiB", t.TooLong)
		}
		parts = append(parts, line)
	}
	if n := s.Total.Preempted; n > 0 {
		parts = append(parts, fmt.Sprintf("up to %d events were lost, as their CPU was making another one", n))
	}
	if n := s.Total.LostChildren; n > 0 {
		parts = append(parts, fmt.Sprintf("up to %d processes were not followed: there were too many, or on Linux 7 too many at once", n))
	}
	return strings.Join(parts, "; ")
}
