package bpf

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/lannerhq/lanner/internal/drivertest"
)

// TestProgram looks at what a real program does.
func TestProgram(t *testing.T) { drivertest.Program(t, Open, config(t, "all")) }

// TestTree: no process of a tree of thousands is missed, whoever shares buffers.
func TestTree(t *testing.T) {
	for _, perBuffer := range []int{0, 1, 2} {
		t.Run(fmt.Sprint(perBuffer), func(t *testing.T) {
			cfg := config(t, "lifecycle")
			cfg.CPUsPerBuffer = perBuffer
			drivertest.Tree(t, Open, cfg, 3000)
		})
	}
}

// TestHost sees all processes but its own.
func TestHost(t *testing.T) { drivertest.Host(t, Open, config(t, "all")) }

// TestCgroup watches a cgroup.
func TestCgroup(t *testing.T) { drivertest.Cgroup(t, Open, config(t, "all")) }

// TestFull lets buffers run over.
func TestFull(t *testing.T) {
	cfg := config(t, "all")
	cfg.BufferBytes = os.Getpagesize()
	drivertest.Full(t, Open, cfg)
}

// TestClose: nothing of the probe is left, and a reader comes back.
func TestClose(t *testing.T) {
	cfg := config(t, "all")
	cfg.Scope.PIDs = []int{os.Getppid()}
	before := loaded(t)
	d, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(loaded(t)); n <= len(before) {
		t.Errorf("%d programs loaded", n-len(before))
	}
	drivertest.Close(t, d)
	// The kernel frees programs when no CPU runs them any more.
	for end := time.Now().Add(drivertest.Patience); len(left(t, before)) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still loaded: %v", left(t, before))
		}
	}
}

// loaded returns the programs in the kernel that have names of the probe's.
func loaded(t *testing.T) map[ebpf.ProgramID]string {
	t.Helper()
	names := map[ebpf.ProgramID]string{}
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		id = next
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue // gone meanwhile
		}
		if info, err := p.Info(); err == nil {
			names[id] = info.Name
		}
		p.Close()
	}
}

func left(t *testing.T, before map[ebpf.ProgramID]string) (names []string) {
	for id, name := range loaded(t) {
		if _, ok := before[id]; !ok {
			names = append(names, name)
		}
	}
	return names
}

// TestGone: a process that has ended can't be watched, nor can we.
func TestGone(t *testing.T) { drivertest.Gone(t, Open, config(t, "close"), "bpf") }

// TestErrors: the package is named once.
func TestErrors(t *testing.T) {
	_, err := Open(Config{})
	if err == nil || strings.Count(err.Error(), "bpf: ") != 1 {
		t.Errorf("error %v", err)
	}
}
