package sysdigtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// keyring is where every Debian has the keys of its archive, coming releases
// included (package debian-archive-keyring).
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// fetch returns the sysdig of a Debian suite, unpacked in the cache directory.
// Only the first call, of all processes, downloads: some 10 to 40 MB.
func fetch(suite string) (*Tool, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "lanner", "sysdig-"+suite)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	// Test processes of several packages run at the same time.
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	root := filepath.Join(dir, "root")
	if tool, ok := unpacked(root); ok {
		return tool, nil
	}
	mirror, err := mirror()
	if err != nil {
		return nil, err
	}
	apt := &apt{dir: dir, deadline: time.Now().Add(5 * time.Minute)}
	if err := apt.configure(mirror, suite); err != nil {
		return nil, err
	}
	if err := apt.download("sysdig"); err != nil {
		return nil, err
	}
	// Unpacked under another name first, so that a run that is broken off
	// does not leave half a tree that looks whole.
	if err := apt.unpack(root); err != nil {
		return nil, err
	}
	tool, ok := unpacked(root)
	if !ok {
		return nil, errors.New("the packages hold no sysdig")
	}
	return tool, nil
}

// mirror returns where this machine gets the main component of its own release
// from, which is a mirror that has the other releases as well.
func mirror() (string, error) {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	vars := make(map[string]string)
	for line := range strings.Lines(string(release)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		vars[key] = strings.Trim(value, `"`)
	}
	if vars["ID"] != "debian" {
		return "", fmt.Errorf("not a Debian machine, but %q", vars["ID"])
	}
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages", "Component: main").Output()
	if err != nil {
		return "", fmt.Errorf("list apt sources: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 2 && (f[0] == vars["VERSION_CODENAME"] || f[0] == "stable") {
			return f[1], nil
		}
	}
	return "", errors.New("no Debian mirror among the apt sources")
}

// apt is an apt that leaves the machine's own packages and lists alone. It
// keeps the machine's further settings, such as a proxy.
type apt struct {
	dir      string
	deadline time.Time
}

func (a *apt) configure(mirror, suite string) error {
	for _, d := range []string{"lists/partial", "archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.dir, d), 0o755); err != nil {
			return err
		}
	}
	// Nothing counts as installed, so that all libraries come along.
	if err := os.WriteFile(filepath.Join(a.dir, "status"), nil, 0o644); err != nil {
		return err
	}
	source := fmt.Sprintf("deb [signed-by=%s] %s %s main\n", keyring, mirror, suite)
	return os.WriteFile(filepath.Join(a.dir, "sources.list"), []byte(source), 0o644)
}

func (a *apt) download(name string) error {
	if err := a.run("update"); err != nil {
		return err
	}
	return a.run("install", "--yes", "--no-install-recommends", "--download-only", name)
}

func (a *apt) run(args ...string) error {
	options := map[string]string{
		"Dir::State":                 a.dir,
		"Dir::State::lists":          a.dir + "/lists",
		"Dir::State::status":         a.dir + "/status",
		"Dir::Cache":                 a.dir,
		"Dir::Cache::archives":       a.dir + "/archives",
		"Dir::Etc::sourcelist":       a.dir + "/sources.list",
		"Dir::Etc::sourceparts":      "/dev/null",
		"Dir::Etc::preferences":      "/dev/null",
		"Dir::Etc::preferencesparts": "/dev/null",
		"Debug::NoLocking":           "true",
		"APT::Sandbox::User":         "",
		"Acquire::Languages":         "none",
	}
	for key, value := range options {
		args = append(args, "-o", key+"="+value)
	}
	return run(a.deadline, "apt-get", args...)
}

func (a *apt) unpack(root string) error {
	debs, err := filepath.Glob(a.dir + "/archives/*.deb")
	if err != nil {
		return err
	}
	fresh := root + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	for _, deb := range debs {
		if err := run(a.deadline, "dpkg", "-x", deb, fresh); err != nil {
			return err
		}
	}
	_ = os.RemoveAll(a.dir + "/archives") // space only
	_ = os.RemoveAll(a.dir + "/lists")
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	return os.Rename(fresh, root)
}

func run(deadline time.Time, name string, args ...string) error {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
		return fmt.Errorf("%s %s: %w: %s", name, args[0], err, lines[len(lines)-1])
	}
	return nil
}
