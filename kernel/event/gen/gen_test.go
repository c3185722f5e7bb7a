package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/kernel/event/spec"
)

// TestFresh fails where a row was changed and make generate was forgotten.
func TestFresh(t *testing.T) {
	for _, o := range outputs {
		want, err := o.bytes()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("../../..", o.path))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is stale: run make generate", o.path)
		}
		if first, _, _ := strings.Cut(string(got), "\n"); !strings.Contains(first, banner) {
			t.Errorf("%s does not say that it is generated: %s", o.path, first)
		}
	}
}

func TestSnake(t *testing.T) {
	for ident, want := range map[string]string{
		"OpenatX": "openat_x", "Openat2X": "openat2_x", "IOUringSetupX": "io_uring_setup_x", "CPUHotplugE": "cpu_hotplug_e",
		"ContainerJSONE": "container_json_e", "OldBrkV1E": "old_brk_v1_e", "OldK8sE": "old_k8s_e",
		"ProcessVmReadvX": "process_vm_readv_x", "IterTaskFileSocketInet6E": "iter_task_file_socket_inet6_e",
	} {
		if got := snake(ident); got != want {
			t.Errorf("%s is %s, want %s", ident, got, want)
		}
	}
	seen := map[string]bool{}
	for _, e := range spec.Events {
		if e.Ident == "" {
			continue
		}
		if s := snake(e.Ident); seen[s] {
			t.Errorf("two events are %s in C", s)
		} else {
			seen[s] = true
		}
	}
}

// TestConstants keeps names in C apart that differ in their case alone.
func TestConstants(t *testing.T) {
	for _, table := range spec.FlagTables {
		values := map[string]uint64{}
		for _, f := range table.Values {
			name := strings.ToUpper(f.Name)
			if v, ok := values[name]; ok && v != f.Value {
				t.Errorf("%s has two values %s", table.Name, name)
			}
			values[name] = f.Value
		}
	}
}
