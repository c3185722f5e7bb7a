package eventtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A Driver is what is tested.
type Driver struct {
	Name   string // for reports, as --driver names it; "" for runs that are in none
	Limits Limits

	// Drops reports that the driver drops an event whose main structure cannot be
	// read, as the kernel module does, instead of sending zeros.
	Drops bool

	// AtSign reports that abstract names of Unix sockets start with @ in edition
	// V036, as the kernel module has it.
	AtSign bool

	// Unknown are flags, joined by |, that the driver cannot tell on this machine:
	// whether they are set is not looked at.
	Unknown string

	// Trace runs a command under the driver and hands over the selected events of
	// its process and of all descendants, in order, until the last has ended. The
	// event is valid during the call only.
	Trace func(cfg Config, path string, argv, env []string, each func(*event.Event)) error

	// Unjudged reports that programs are run for their events only: what they state is
	// not held against them.
	Unjudged bool

	// Profiles are the editions to test, 0 for all; Only, if not nil, chooses cases.
	Profiles spec.Profile
	Only     func(c *Case) bool

	// Skip returns why the driver can't see what a case does, "" if it can. It may
	// be nil.
	Skip func(c *Case, in spec.Profile) string
}

// Config is how a driver is to be set up for a case.
type Config struct {
	Profile spec.Profile
	Events  event.Set
	Snaplen int
}

// Limits are the bounds of a driver that the contract leaves to it.
type Limits struct {
	String      int // bytes of a string, its NUL included
	Iovecs      int // vectors of an array that are looked at
	PollFDs     int // entries of a poll set
	Messages    int // of one sendmmsg or recvmmsg
	ExecStrings int // strings of each array of an execve that failed
}

// A Case is one program.
type Case struct {
	Name string
	Does string // one line

	Run     func(p *Prog) // a Go case; nil if Program is set
	Program string        // a C case: name of the source in c/, without .c
	Args    []string      // of the C case
	ABI     string        // of the C case: "i386" or "x32", "" for the machine's own

	Root     bool  // needs to be root
	Snaplens []int // each is a run; nil: the default of 80 bytes
}

const defaultSnaplen = 80 // bytes; the contract's default

// Cases returns the suite.
func Cases() []Case {
	var all []Case
	for _, family := range families {
		all = append(all, family...)
	}
	return all
}

// Run runs the suite under a driver, once for each edition.
func Run(t *testing.T, d Driver) {
	for _, in := range []spec.Profile{spec.Current, spec.V036} {
		if d.Profiles != 0 && d.Profiles&in == 0 {
			continue
		}
		t.Run(editionName(in), func(t *testing.T) {
			r := newReport(t, &d, in)
			for _, c := range Cases() {
				if d.Only != nil && !d.Only(&c) {
					r.skip(&c, "the driver knows no such programs")
					continue
				}
				lens := c.Snaplens
				if lens == nil {
					lens = []int{defaultSnaplen}
				}
				for _, n := range lens {
					name := c.Name
					if len(lens) > 1 {
						name += "/" + strconv.Itoa(n)
					}
					t.Run(name, func(t *testing.T) { runCase(t, &d, &c, in, n, r) })
				}
			}
		})
	}
}

// Environment of a case's process.
const (
	envCase    = "LANNER_EVENTTEST_CASE"    // name of a Go case
	envOut     = "LANNER_EVENTTEST_OUT"     // file for statements
	envDir     = "LANNER_EVENTTEST_DIR"     // an empty directory of its own
	envProfile = "LANNER_EVENTTEST_PROFILE" // number
	envSnaplen = "LANNER_EVENTTEST_SNAPLEN" // bytes
	envLimits  = "LANNER_EVENTTEST_LIMITS"  // five numbers, in the order of the struct
	envTraits  = "LANNER_EVENTTEST_TRAITS"  // Driver.Drops and Driver.AtSign
)

func runCase(t *testing.T, d *Driver, c *Case, in spec.Profile, snaplen int, r *report) {
	if c.Root && os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	if d.Skip != nil {
		if why := d.Skip(c, in); why != "" {
			r.skip(c, why)
			t.Skip(why)
		}
	}
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // cases drop their privileges
		t.Fatal(err)
	}
	out, err := newOutput(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(dir, "w")
	if err := os.Mkdir(work, 0o755); err != nil {
		t.Fatal(err)
	}
	l := d.Limits
	env := []string{
		envOut + "=" + out, envDir + "=" + work, envProfile + "=" + strconv.Itoa(int(in)),
		envSnaplen + "=" + strconv.Itoa(snaplen), envTraits + "=" + fmt.Sprint(d.Drops, d.AtSign),
		envLimits + "=" + fmt.Sprint(l.String, l.Iovecs, l.PollFDs, l.Messages, l.ExecStrings),
		// Nothing that the Go runtime does by itself on the thread of a case.
		"GOGC=off", "GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=2",
	}
	path, argv := "/proc/self/exe", append([]string{"case"}, c.Args...)
	if c.Program != "" {
		path = program(t, c)
	} else {
		if path, err = os.Executable(); err != nil {
			t.Fatal(err)
		}
		env = append(env, envCase+"="+c.Name)
	}
	set, err := event.ParseSet(selection, in)
	if err != nil {
		t.Fatal(err)
	}
	var b log
	if err := d.Trace(Config{in, set, snaplen}, path, argv, env, b.add); err != nil {
		t.Fatal(err)
	}
	if !d.Unjudged {
		check(t, d, c, in, out, &b, r)
	}
}

// selection is what a case's driver reports: everything but one call that no case
// makes, so that a driver which can leave calls alone has one to leave alone.
const selection = "all,!getcpu"

// log keeps the events of a run, by thread.
type log struct {
	byTID map[int64][]*event.Event
	n     int
}

func (l *log) add(ev *event.Event) {
	if l.byTID == nil {
		l.byTID = make(map[int64][]*event.Event)
	}
	var own event.Event
	if _, err := own.Parse(append([]byte(nil), ev.Bytes()...)); err != nil {
		panic(err) // it was parsed before
	}
	l.byTID[own.TID()] = append(l.byTID[own.TID()], &own)
	l.n++
}

// available reports whether a program is there for a case, without which the
// case is skipped, or fails where everything is to be tested.
func available(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			missing(t, name+" is not installed")
		}
	}
}

// missing skips a test for want of something that could be installed.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" || os.Getenv("LANNER_TEST_ALL") == "1" {
		t.Fatal(what)
	}
	t.Skip(what + "; with CI=true or LANNER_TEST_ALL=1 this is a failure")
}

// check compares what a case stated with what was delivered.
func check(t *testing.T, d *Driver, c *Case, in spec.Profile, out string, b *log, r *report) {
	t.Helper()
	list, err := readStatements(out)
	if err != nil {
		t.Fatal(err)
	}
	m := matcher{in: in, drops: d.Drops, unknown: d.Unknown, log: b, vars: make(map[string]uint64)}
	m.judged = func(typ event.Type, failure string) { r.count(c.Name, typ, failure) }
	var done bool
	var lines []*statement
	for _, s := range list {
		switch {
		case s.Skip != "":
			r.skip(c, s.Skip)
			t.Skip(s.Skip)
		case s.Fail != "":
			t.Errorf("the case itself: %s", s.Fail)
		case s.Done:
			done = true
		case s.Strict:
			m.strict = true
		default:
			lines = append(lines, s)
		}
	}
	n := m.run(lines)
	for i, f := range m.failures {
		if i == maxFailures {
			t.Errorf("and %d more", len(m.failures)-i)
			break
		}
		t.Error(f)
	}
	if !done {
		t.Errorf("the case did not come to its end; it made %d statements", len(lines))
	}
	if n == 0 && !t.Failed() {
		t.Error("the case stated nothing")
	}
	if testing.Verbose() {
		t.Logf("%d events as stated, of %d delivered", n, b.n)
	}
}

// maxFailures are printed of one run.
const maxFailures = 12

// indent sets off further lines of a message.
func indent(s string) string { return "\n\t" + strings.ReplaceAll(s, "\n", "\n\t") }
