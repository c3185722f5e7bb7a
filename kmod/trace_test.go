package kmod

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/kmodtest"
)

// runTrace runs the program itself.
func runTrace(args ...string) (out, complaints string, code int) {
	cmd := exec.Command("/bin/trace", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run() // what matters is how it ended
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// TestTrace: the command line on top of the module.
func TestTrace(t *testing.T) {
	needsModule(t, kmodtest.Current)
	out, complaints, code := runTrace("--driver", "kmod", "-e", "execve,openat,open,procexit", "--format", "%evt.type %proc.name %evt.info",
		"sh", "-c", "cat /proc/version >/dev/null; exit 7")
	if code != 7 || out != "" {
		t.Errorf("exit status %d, output %q", code, out)
	}
	for _, part := range []string{"execve sh res=0 exe=sh args=-c.", " res=0 exe=cat args=/proc/version.", "(<f>/proc/version)", "procexit cat ", "procexit sh "} {
		if !strings.Contains(complaints, part) {
			t.Errorf("no %q in\n%s", part, complaints)
		}
	}
	if strings.Contains(complaints, "lost") {
		t.Errorf("events were lost:\n%s", complaints)
	}

	out, complaints, code = runTrace("--driver", "kmod", "-q", "--stats", "--json", "-e", "procexit", "true")
	var stats map[string]uint64
	if err := json.Unmarshal([]byte(complaints), &stats); err != nil || code != 0 || stats["n_evts"] == 0 || stats["n_drops"] != 0 {
		t.Errorf("--stats: %d %q %q %v", code, out, complaints, err)
	}

	_, complaints, code = runTrace("--driver", "kmod", "--profile", "0.36", "true")
	if code != 125 || !strings.Contains(complaints, "use --profile current") || strings.Count(complaints, "\n") != 1 {
		t.Errorf("another edition: %d %q", code, complaints)
	}

	out, _, code = runTrace("probe", "--json")
	var probe struct {
		Drivers []struct {
			Driver string
			Usable bool
			Why    string
		}
	}
	if err := json.Unmarshal([]byte(out), &probe); err != nil || code != 0 {
		t.Fatalf("trace probe: %d %v", code, err)
	}
	if last := probe.Drivers[len(probe.Drivers)-1]; last.Driver != "kmod" || !last.Usable {
		t.Errorf("trace probe: %+v", last)
	}

	needsModule(t, kmodtest.V036)
	_, complaints, code = runTrace("--driver", "kmod", "--profile", "0.36", "-e", "close", "--format", "%evt.dir%evt.type", "cat", "/proc/version")
	if code != 0 || !strings.Contains(complaints, ">close\n") || !strings.Contains(complaints, "<close\n") {
		t.Errorf("edition 0.36: %d %q", code, complaints)
	}

	if err := kmodtest.Unload(); err != nil {
		t.Fatal(err)
	}
	_, complaints, code = runTrace("--driver", "kmod", "--host")
	if code != 125 || !strings.HasPrefix(complaints, "trace: kmod: the kernel module scap is not loaded (") || strings.Count(complaints, "\n") != 1 {
		t.Errorf("without the module: %d %q", code, complaints)
	}
}
