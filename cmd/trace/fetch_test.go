package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/fetchtest"
	"github.com/lannerhq/lanner/internal/vmtest"
)

// TestFetchProbe: a probe that somebody has built and serves comes to be where it would be
// had it been built here, and the status tells of it. What is served but is another one
// changes nothing there. That kernels take what is fetched is tested in kmod.
func TestFetchProbe(t *testing.T) {
	need(t, "curl", "clang", "llc")
	headers, release := vmtest.Stable(t, runtime.GOARCH).Headers(t)
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	editions := []struct{ profile, file, schema string }{
		{"current", "lanner-bpf.o", "4.5.1"},
		{"0.36", "lanner-bpf-0.36.o", "2.10.0"},
	}
	served := make(map[string][]byte) // by path
	path := func(profile string) string { return "/" + arch + "/" + release + "/bpf-" + profile }
	for _, e := range editions {
		file := filepath.Join(t.TempDir(), "probe.o")
		if got := run(t, traceBin, "driver", "build", "bpf", "--kernel", release, "--headers", headers, "--profile", e.profile, "-o", file); got.code != 0 {
			t.Fatalf("%+v", got)
		}
		probe, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		served[path(e.profile)] = probe
	}
	url, authority := fetchtest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if probe, ok := served[r.URL.Path]; ok {
			_, _ = w.Write(probe) // that it came is looked at below
			return
		}
		http.NotFound(w, r)
	})

	home := t.TempDir()
	trace := func(args ...string) result {
		t.Helper()
		cmd := exec.Command(traceBin, args...)
		cmd.Env = append(os.Environ(), "HOME="+home, "LANNER_BPF_PROBE=", "FALCO_BPF_PROBE=", fetchtest.Variable+"="+authority)
		return finish(t, cmd)
	}
	fetch := func(profile, kernel, template string) result {
		t.Helper()
		return trace("driver", "build", "bpf", "--profile", profile, "--kernel", kernel, "--url", url+template)
	}
	whole := func(n int) { // of the first n editions there are the files, and nothing else
		t.Helper()
		list, err := os.ReadDir(filepath.Join(home, ".lanner"))
		if err != nil || len(list) != n {
			t.Errorf("there are %v, %v; want %d", list, err, n)
		}
		for _, e := range editions[:n] {
			file := filepath.Join(home, ".lanner", e.file)
			got, err := os.ReadFile(file)
			if err != nil || !bytes.Equal(got, served[path(e.profile)]) {
				t.Errorf("%s has %d bytes, which are not the %d that were served: %v", file, len(got), len(served[path(e.profile)]), err)
			}
			if st, err := os.Stat(file); err == nil && st.Mode() != 0o644 {
				t.Errorf("%s has mode %v", file, st.Mode())
			}
		}
	}

	const template = "/{arch}/{kernel}/{driver}-{profile}"
	for i, e := range editions {
		want := fmt.Sprintf("%s: the classic probe for Linux %s, schema %s\n", filepath.Join(home, ".lanner", e.file), release, e.schema)
		if got := fetch(e.profile, release, template); got != (result{out: want}) {
			t.Errorf("%+v, want %q", got, want)
		}
		whole(i + 1)
	}
	for _, c := range []struct{ kernel, template, want string }{
		{release, strings.ReplaceAll(template, "{profile}", "0.36"), "schema 2.10.0"},
		{"6.1.0-x", strings.ReplaceAll(template, "{kernel}", release), "Linux " + release},
	} {
		got := fetch("current", c.kernel, c.template)
		if got.code != 125 || got.out != "" || strings.Count(got.err, "\n") != 1 || !strings.Contains(got.err, c.want) {
			t.Errorf("%+v: %+v", c, got)
		}
		whole(len(editions))
	}

	type artifact struct{ Driver, Profile, File, Kernel, Schema string }
	var list []artifact
	if got := trace("driver", "status", "--json"); got.code != 0 || json.Unmarshal([]byte(got.out), &list) != nil || len(list) < len(editions) {
		t.Fatalf("%+v", got)
	}
	for i, e := range editions {
		if want := (artifact{"bpf", e.profile, filepath.Join(home, ".lanner", e.file), release, e.schema}); list[i] != want {
			t.Errorf("the status has %+v, want %+v", list[i], want)
		}
	}
}
