package kernel

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/driver"
)

// What a kernel driver takes and gives.
type (
	Driver = driver.Driver
	Config = driver.Config
	Scope  = driver.Scope
	Stats  = driver.Stats
)

// Auto stands for the best driver that can be used.
const Auto = "auto"

// String returns the verdict on a driver that can't be used in one line.
func (v Verdict) String() string {
	if v.Change == "" {
		return v.Driver + ": " + v.Why
	}
	return v.Driver + ": " + v.Why + " (" + v.Change + ")"
}

// Open starts a driver by its name, or the best one for Auto. It returns its name
// and what spoke against those before it. An error says in one line what spoke
// against each.
func Open(name string, cfg Config) (d Driver, driver string, skipped []Verdict, err error) {
	for _, c := range candidates {
		if name != Auto && name != c.name {
			continue
		}
		d, err := c.open(cfg)
		if err == nil {
			return d, c.name, skipped, nil
		}
		skipped = append(skipped, c.explain(err))
	}
	var list []string
	for _, v := range skipped {
		list = append(list, v.String())
	}
	return nil, "", nil, errors.New(strings.Join(list, "; "))
}

// explain words the failure of a driver: by what the machine lacks if that is
// known, else as the driver itself says it.
func (c *candidate) explain(err error) Verdict {
	v := c.judge(Look())
	switch {
	case !v.Usable:
		return v
	case errors.Is(err, unix.EMFILE):
		var limit unix.Rlimit
		unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
		return Verdict{Driver: c.name, Why: fmt.Sprintf("trace may open %d files, and needs more for the programs of the probe", limit.Cur),
			Change: "ulimit -n 2048"}
	}
	if why, change := classicFile(err); change != "" {
		return Verdict{Driver: c.name, Why: why, Change: change}
	}
	v = Verdict{Driver: c.name, Why: strings.TrimPrefix(strings.TrimPrefix(err.Error(), "bpf: "), "kmod: ")}
	if log := keepLog(err); log != "" {
		v.Change = "please report it with " + log
	}
	return v
}

// keepLog writes what the verifier says of a program that it refuses to a file,
// and returns the file's name; empty if the error is another one.
func keepLog(err error) string {
	refused, ok := errors.AsType[*ebpf.VerifierError](err)
	if !ok {
		return ""
	}
	f, err := os.CreateTemp("", "trace-verifier-*.log")
	if err != nil {
		return ""
	}
	defer f.Close()
	fmt.Fprintf(f, "%+v\n", refused)
	return f.Name()
}
