package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lannerhq/lanner/internal/debian"
)

// postgres is a server with its tools, beside what is installed: Debian's scripts would
// start one. What libraries it links come along, but for the C library, and not the
// compiler that it may load.
var postgres = debian.Tree{
	Name: "postgresql", Suites: []string{"bookworm"}, Packages: []string{"postgresql-15", "postgresql-client-15"},
	Follow: regexp.MustCompile(`^lib(pq5|icu72|xml2|lzma5|ldap-2\.5-0|sasl2-2|ssl3|systemd0|cap2|gcrypt20|gpg-error0|` +
		`gssapi-krb5-2|krb5-3|krb5support0|k5crypto3|com-err2|keyutils1|lz4-1|zstd1|readline8|tinfo6|edit2|pam0g|audit1|cap-ng0|selinux1|pcre2-8-0)$`),
}

// banking makes a database, has four clients move money about in it, and looks whether
// the sums are right. It says nothing that differs from run to run.
const banking = `set -e
cd "$1"; shift
pg() { name=$1; shift; LD_LIBRARY_PATH=$libs $bin/$name "$@"; }
rm -rf data; mkdir -m 700 data
pg initdb -D data -A trust -N >init.log 2>&1 || { cat init.log; exit 1; }
pg pg_ctl -D data -o "-k $PWD -c listen_addresses='' -c fsync=off" -l log -w start >/dev/null || { cat log; exit 1; }
pg pgbench -h "$PWD" -i -q postgres >/dev/null 2>&1
pg pgbench -h "$PWD" -c 4 -j 2 -t 50 postgres 2>/dev/null | grep transactions
pg psql -h "$PWD" -At -c "select count(*), sum(abalance) = (select sum(delta) from pgbench_history) from pgbench_accounts" postgres
pg pg_ctl -D data -m fast -w stop >/dev/null
grep -c 'terminated by signal' log || true
`

// TestDatabase: a server of many processes that share memory, signal each other and
// count on each other's exits.
func TestDatabase(t *testing.T) {
	root, err := postgres.Fetch()
	if err != nil {
		if os.Getenv("LANNER_TEST_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	if os.Getuid() == 0 { // the server refuses to be root, and what is in root's cache others can't read
		where := filepath.Join(t.TempDir(), "root")
		if err := os.CopyFS(where, os.DirFS(root)); err != nil {
			t.Fatal(err)
		}
		root = where
	}
	argv := []string{"sh", "-c", fmt.Sprintf("bin=%s libs=%s; %s", filepath.Join(root, "usr/lib/postgresql/15/bin"),
		filepath.Join(root, "usr/lib", machineLibs(t, root)), banking), "sh", dir}
	if os.Getuid() == 0 {
		need(t, "setpriv")
		if err := errors.Join(os.Chown(dir, 65534, 65534), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
			t.Fatal(err)
		}
		argv = append([]string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}, argv...)
	}
	want := run(t, argv...)
	if want.code != 0 || !strings.Contains(want.out, "processed: 200/200\n") || !strings.HasSuffix(want.out, "100000|t\n0\n") {
		t.Fatalf("the database does not work without trace: %+v", want)
	}
	file := filepath.Join(t.TempDir(), "x.scap")
	for name, opts := range map[string][]string{
		"default": {"-q"}, "all": {"-q", "-a", "--profile", "0.36", "-w", file},
	} {
		got := run(t, append(append([]string{traceBin}, opts...), append([]string{"--"}, argv...)...)...)
		if got != want {
			t.Errorf("%s:\nwithout trace: %+v\n   with trace: %+v", name, want, got)
		}
	}
	read := bookworm(t).Run(t, "-r", file, "-p", "%evt.type %proc.name", "evt.type=execve and evt.dir=<")
	for _, program := range []string{"initdb", "postgres", "pgbench", "psql", "pg_ctl"} {
		if !strings.Contains(read, "execve "+program+"\n") {
			t.Errorf("sysdig does not tell of %s:\n%s", program, read)
		}
	}
}

// machineLibs is the directory of a machine's libraries, as x86_64-linux-gnu.
func machineLibs(t *testing.T, root string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu"))
	if err != nil || len(found) != 1 {
		t.Fatalf("libraries in %s: %v", root, found)
	}
	return filepath.Base(found[0])
}
