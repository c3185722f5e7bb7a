package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// TestModernStats: the counters by the names of Falco's, as lines and as JSON.
func TestModernStats(t *testing.T) {
	needModern(t)
	want := []string{"n_evts", "n_drops_buffer_total", "n_drops_buffer_open_exit", "n_drops_buffer_proc_exit", "n_drops_scratch_map", "n_drops", "reported", "unwritten"}
	got := run(t, modern("--stats", "-o", "/dev/null", "-a", "true")...)
	figures := map[string]uint64{}
	for line := range strings.Lines(got.err) {
		var name string
		var v uint64
		if _, err := fmt.Sscanf(line, "%s %d", &name, &v); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		figures[name] = v
	}
	check := func(how string) {
		t.Helper()
		for _, name := range want {
			if _, ok := figures[name]; !ok {
				t.Errorf("%s: no %s", how, name)
			}
		}
		if figures["n_evts"] == 0 || figures["n_evts"] < figures["reported"] || figures["n_drops"] != 0 {
			t.Errorf("%s: %v", how, figures)
		}
	}
	check("lines")
	got = run(t, modern("--stats", "--json", "-o", "/dev/null", "-a", "true")...)
	figures = nil
	if err := json.Unmarshal([]byte(got.err), &figures); err != nil || strings.Count(got.err, "\n") != 1 {
		t.Fatalf("%v\n%s", err, got.err)
	}
	check("JSON")
	if _, ok := figures["n_evts_cpu_0"]; !ok {
		t.Error("JSON: no n_evts_cpu_0")
	}
}

// TestFullBuffer: what finds no room is counted by kind, and one line says so,
// unless no one wants to hear; the command does not notice.
func TestFullBuffer(t *testing.T) {
	needModern(t)
	for _, quiet := range []bool{false, true} {
		// The reader of events takes one and then none until the command is done.
		fifo := filepath.Join(t.TempDir(), "events")
		if err := unix.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		reader := exec.Command("sh", "-c", `exec 3<"$0"; read -r line <&3; while [ ! -e "$0.done" ]; do sleep 0.05; done; cat <&3 >/dev/null`, fifo)
		if err := reader.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { reader.Process.Kill() })
		work := "i=0; while [ $i -lt 1000 ]; do cat /etc/hostname; i=$((i+1)); done >/dev/null; echo done; touch " + fifo + ".done; exit 7"
		args := modern("--buffer-preset", "1", "-a", "-o", fifo, "--stats", "--json", "sh", "-c", work)
		if quiet {
			args = append([]string{args[0], "-q"}, args[1:]...)
		}
		got := run(t, args...)
		reader.Process.Kill()
		reader.Wait()
		lines := strings.Split(strings.TrimSpace(got.err), "\n")
		var figures map[string]uint64
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &figures); err != nil {
			t.Fatalf("%v: %+v", err, got)
		}
		if got.out != "done\n" || got.code != 7 {
			t.Errorf("the command noticed: %+v", got)
		}
		var kinds uint64
		for name, v := range figures {
			if strings.HasPrefix(name, "n_drops_buffer_") && name != "n_drops_buffer_total" {
				kinds += v
			}
		}
		if figures["n_drops"] == 0 || kinds == 0 || kinds > figures["n_drops_buffer_total"] ||
			figures["n_evts"] < figures["n_drops"]+figures["reported"] {
			t.Errorf("counters: %v", figures)
		}
		said := strings.Contains(lines[0], fmt.Sprintf("trace: %d of %d events were lost", figures["n_drops"], figures["n_evts"]))
		if quiet && len(lines) != 1 || !quiet && (len(lines) != 2 || !said) {
			t.Errorf("quiet %v: %q", quiet, got.err)
		}
	}
}

// programs returns the ids of BPF programs that are in the kernel.
func programs() map[ebpf.ProgramID]bool {
	ids := map[ebpf.ProgramID]bool{}
	for id := ebpf.ProgramID(0); ; ids[id] = true {
		var err error
		if id, err = ebpf.ProgramGetNextID(id); err != nil {
			return ids
		}
	}
}

// programsOf returns the programs that a process holds (bpf_prog_show_fdinfo).
func programsOf(t *testing.T, pid int) (ids []ebpf.ProgramID) {
	t.Helper()
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			var id uint32
			if n, _ := fmt.Sscanf(line, "prog_id:%d", &id); n == 1 {
				ids = append(ids, ebpf.ProgramID(id))
			}
		}
	}
	return ids
}

// TestReaderKilled: nothing of the probe stays, and the command goes on.
func TestReaderKilled(t *testing.T) {
	needModern(t)
	cmd := exec.Command(traceBin, modern("-q", "sh", "-c", "echo started; read -r x; exit 9")[1:]...)
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	bufio.NewReader(out).ReadString('\n')
	own := programsOf(t, cmd.Process.Pid)
	if len(own) == 0 {
		t.Error("no program while tracing")
	}
	left := func() (n int) {
		all := programs()
		for _, id := range own {
			if all[id] {
				n++
			}
		}
		return n
	}
	kids, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", cmd.Process.Pid, cmd.Process.Pid))
	pid, err := strconv.Atoi(strings.TrimSpace(string(kids)))
	if err != nil {
		t.Fatalf("children of trace: %q", kids)
	}
	cmd.Process.Kill()
	cmd.Process.Wait()
	for range 100 {
		if left() == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if n := left(); n != 0 {
		t.Errorf("%d programs are still there", n)
	}
	if err := unix.Kill(pid, 0); err != nil {
		t.Errorf("the command: %v", err)
	}
	in.Close()
	gone(t, pid)
}
