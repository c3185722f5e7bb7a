package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// memoryFigures are the most memory that tracers needed for many processes.
type memoryFigures struct {
	Processes int         `json:"processes"`
	Rows      []memoryRow `json:"runs"`
}

type memoryRow struct {
	Variant  string    `json:"variant"`
	Bytes    float64   `json:"bytes"` // VmHWM of the tracer
	Counters *counters `json:"counters,omitempty"`
	Lost     uint64    `json:"lost"`
	Goal     *goal     `json:"goal,omitempty"`
}

// crowd starts processes that make some calls, say so, and then live until
// standard input ends.
const crowd = `exec 3<&0
i=0
while [ $i -lt %d ]; do
	{ /bin/true; read line </proc/self/stat; : >/dev/null; cd /usr; umask 022; echo ready; read line <&3; } &
	i=$((i+1))
done
wait
`

// memory measures the tracers' memory while they trace many processes at once.
func (b *bench) memory(rep *report) {
	n := b.sizes.processes
	rep.Memory.Processes = n
	for i := range b.variants {
		v := &b.variants[i]
		if v.name == native || v.missing() || b.ctx.Err() != nil {
			continue
		}
		b.progress.show("memory: %s", v.name)
		row := memoryRow{Variant: v.name}
		capture := filepath.Join(b.dir, "crowd.scap")
		bytes, out, err := b.crowd(v.command([]string{shell, "-c", fmt.Sprintf(crowd, n)}, capture), n)
		os.Remove(capture)
		if err == nil && out.status != 0 {
			err = failureOf(out, nil)
		}
		if err == nil && v.trace {
			var c counters
			if c, err = parseCounters(out.stderr); err == nil {
				row.Counters, row.Lost = &c, c.lost(uint64(n)) // each process exits
				row.Goal = judge("bytes", bytes, mostMemory)
			}
		}
		if err != nil {
			rep.fault("memory, %s: %w", v.name, err)
			continue
		}
		row.Bytes = bytes
		rep.Memory.Rows = append(rep.Memory.Rows, row)
	}
}

// crowd runs a command line whose n processes report on standard output, and
// returns the most memory that its first process, the tracer, had.
func (b *bench) crowd(argv []string, n int) (bytes float64, out outcome, err error) {
	p, in, ready, err := b.piped(argv)
	if err != nil {
		return 0, out, err
	}
	defer ready.Close()
	defer in.Close()
	lines := bufio.NewScanner(ready)
	for i := range n {
		if !lines.Scan() {
			p.kill()
			out, err = p.wait()
			return 0, out, errors.Join(fmt.Errorf("only %d of %d processes came", i, n), err)
		}
	}
	in.Close()
	// The peak never falls, and is gone with the memory when the tracer ends: the
	// last that is seen is the one.
	for {
		now, ok := peak(p.cmd.Process.Pid)
		if !ok {
			break
		}
		bytes = now
		time.Sleep(time.Millisecond)
	}
	out, err = p.wait()
	return bytes, out, err
}

// piped starts a command line with pipes for its standard input and output.
func (r *runner) piped(argv []string) (p *process, in, out *os.File, err error) {
	stdin, in, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, err
	}
	defer stdin.Close()
	out, stdout, err := os.Pipe()
	if err != nil {
		in.Close()
		return nil, nil, nil, err
	}
	defer stdout.Close()
	if p, err = r.start(argv, stdin, stdout); err != nil {
		in.Close()
		out.Close()
	}
	return p, in, out, err
}

// peak returns a process's peak resident memory in bytes.
func peak(pid int) (bytes float64, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, false
	}
	kib, ok := statusField(string(text), "VmHWM")
	return float64(kib) * 1024, ok
}

// statusField returns the number of a line of /proc/PID/status.
func statusField(text, key string) (n int, ok bool) {
	for line := range strings.Lines(text) {
		rest, found := strings.CutPrefix(line, key+":")
		if !found {
			continue
		}
		f := strings.Fields(rest)
		if len(f) == 0 {
			return 0, false
		}
		n, err := strconv.Atoi(f[0])
		return n, err == nil
	}
	return 0, false
}
