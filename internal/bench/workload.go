package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// sizes say how much work there is.
type sizes struct {
	dd          int // bytes, one a call
	find        []string
	launches    int // of /bin/true
	files       int
	threads     int
	requests    int
	connections int // of the client of the servers
	processes   int // alive at once while memory is measured
	calls       int // pairs of a read and a write, of the process attached to
	attached    int // its threads
	events      int // moved to a live reader
}

var (
	full = sizes{
		dd: 100000, find: []string{"/usr"}, launches: 500, files: 5000, threads: 2000,
		requests: 10000, connections: 8, processes: 200, calls: 20000, attached: 50, events: 3000000,
	}
	small = sizes{
		dd: 1000, find: []string{"/usr", "-maxdepth", "2"}, launches: 10, files: 50, threads: 50,
		requests: 100, connections: 4, processes: 20, calls: 500, attached: 10, events: 20000,
	}
)

// A workload is work to measure.
type workload struct {
	name  string
	what  string // in a few words, for people
	needs string // program that must be installed

	// argv returns the command, given the run's own directory.
	argv func(dir string) ([]string, error)
	// least is how many events a complete trace has at least: a count that does
	// not rest on what the tracer says of itself.
	least uint64
	// uneven work may end with status 1, as find does for a directory it may not
	// read; it must do so every way, though.
	uneven bool
	// server is set for a program that serves addressOf(dir) until SIGTERM.
	server bool
}

const shell = "sh"

// workloads returns all work; self is this program.
func workloads(self string, s sizes) []workload {
	fixed := func(argv ...string) func(string) ([]string, error) {
		return func(string) ([]string, error) { return argv, nil }
	}
	n := strconv.Itoa
	launch := "i=0; while [ $i -lt " + n(s.launches) + " ]; do /bin/true; i=$((i+1)); done"
	return []workload{
		{
			name: "dd", what: fmt.Sprintf("dd if=/dev/zero of=/dev/null bs=1 count=%d", s.dd), needs: "dd",
			argv:  fixed("dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count="+n(s.dd)),
			least: 2 * uint64(s.dd),
		},
		{
			name: "find", what: "find " + strings.Join(s.find, " "), needs: "find", uneven: true, least: 1,
			argv: fixed(append([]string{"find"}, s.find...)...),
		},
		{
			name: "launch", what: fmt.Sprintf("a shell runs /bin/true %d times", s.launches), needs: shell,
			argv:  fixed(shell, "-c", launch),
			least: 2 * uint64(s.launches),
		},
		{
			name: "files", what: fmt.Sprintf("create, write, close and unlink %d files", s.files),
			argv: func(dir string) ([]string, error) {
				return []string{self, "work", "files", dir, n(s.files)}, nil
			},
			least: 4 * uint64(s.files),
		},
		{
			name: "threads", what: fmt.Sprintf("start and end %d threads", s.threads),
			argv:  fixed(self, "work", "threads", n(s.threads)),
			least: uint64(s.threads),
		},
		{
			name: "http", what: fmt.Sprintf("a Go HTTP server answers %d requests over %d connections", s.requests, s.connections),
			argv: func(dir string) ([]string, error) {
				addr, err := freeAddress(dir)
				return []string{self, "work", "serve", addr, pidFile(dir)}, err
			},
			least: 2 * uint64(s.requests), server: true,
		},
		{
			name: "nginx", what: fmt.Sprintf("nginx answers %d requests over %d connections", s.requests, s.connections), needs: "nginx",
			argv:  nginx,
			least: 2 * uint64(s.requests), server: true,
		},
	}
}

// findProgram looks a program up, also where those for administrators are; it
// returns "" if there is none.
func findProgram(name string) string {
	for _, n := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
		if path, err := exec.LookPath(n); err == nil {
			return path
		}
	}
	return ""
}

// nginx prepares a master and a worker in a directory, in the foreground.
func nginx(dir string) ([]string, error) {
	addr, err := freeAddress(dir)
	if err != nil {
		return nil, err
	}
	as := "" // only root's worker changes its user, and nobody may not read dir
	if os.Geteuid() == 0 {
		u, err := user.Current()
		if err != nil {
			return nil, err
		}
		g, err := user.LookupGroupId(u.Gid)
		if err != nil {
			return nil, err
		}
		as = "user " + u.Username + " " + g.Name + ";"
	}
	conf := fmt.Sprintf(nginxConf, as, pidFile(dir), addr)
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "page"), page(), 0o600); err != nil {
		return nil, err
	}
	return []string{findProgram("nginx"), "-p", dir, "-c", "nginx.conf"}, nil
}

// nginxConf keeps all files of nginx in its prefix.
const nginxConf = `daemon off;
worker_processes 1;
%s
pid %s;
error_log error.log;
events { worker_connections 64; }
http {
	access_log access.log;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	server {
		listen %s;
		root .;
	}
}
`
