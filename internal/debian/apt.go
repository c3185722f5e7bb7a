package debian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// keyring is where every Debian has the keys of its archive, coming releases
// included (package debian-archive-keyring).
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// mirror returns where this machine gets the main component of its own release
// from, which is a mirror that has the other releases as well; the security
// archive of suites that end in -security is a place of its own.
func mirror(suite string) (string, error) {
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
	const security = "-security"
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) != 2 || strings.HasSuffix(f[0], security) != strings.HasSuffix(suite, security) {
			continue
		}
		if own := strings.TrimSuffix(f[0], security); own == vars["VERSION_CODENAME"] || own == "stable" || own == "oldstable" {
			return f[1], nil
		}
	}
	return "", errors.New("no mirror of it among the apt sources")
}

// apt is an apt that leaves the machine's own packages and lists alone. It
// keeps the machine's further settings, such as a proxy.
type apt struct {
	dir      string
	arch     string
	deadline time.Time
}

func (a *apt) configure(suite string) error {
	mirror, err := mirror(suite)
	if err != nil {
		return err
	}
	for _, d := range []string{"lists/partial", "archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.dir, d), 0o755); err != nil {
			return err
		}
	}
	// Nothing counts as installed, so that all libraries come along.
	if err := os.WriteFile(filepath.Join(a.dir, "status"), nil, 0o644); err != nil {
		return err
	}
	source := fmt.Sprintf("deb [arch=%s signed-by=%s] %s %s main\n", a.arch, keyring, mirror, suite)
	return os.WriteFile(filepath.Join(a.dir, "sources.list"), []byte(source), 0o644)
}

func (a *apt) download(packages []string, follow *regexp.Regexp) error {
	if _, err := a.run("apt-get", "update"); err != nil {
		return err
	}
	if follow == nil {
		_, err := a.run("apt-get", append([]string{"install", "--yes", "--no-install-recommends", "--download-only"}, packages...)...)
		return err
	}
	out, err := a.run("apt-cache", append([]string{"depends", "--recurse", "--no-recommends", "--no-suggests"}, packages...)...)
	if err != nil {
		return err
	}
	// The packages found stand at the start of a line, their relations below.
	for line := range strings.Lines(string(out)) {
		if name := strings.TrimSuffix(line, "\n"); follow.MatchString(name) && !slices.Contains(packages, name) {
			packages = append(packages, name)
		}
	}
	_, err = a.run("apt-get", append([]string{"download"}, packages...)...)
	return err
}

// run runs apt and returns what it prints.
func (a *apt) run(name string, args ...string) ([]byte, error) {
	options := map[string]string{
		"APT::Architecture":          a.arch,
		"APT::Sandbox::User":         "",
		"Acquire::Languages":         "none",
		"Debug::NoLocking":           "true",
		"Dir::Cache":                 a.dir,
		"Dir::Cache::archives":       a.dir + "/archives",
		"Dir::Etc::preferences":      "/dev/null",
		"Dir::Etc::preferencesparts": "/dev/null",
		"Dir::Etc::sourcelist":       a.dir + "/sources.list",
		"Dir::Etc::sourceparts":      "/dev/null",
		"Dir::State":                 a.dir,
		"Dir::State::lists":          a.dir + "/lists",
		"Dir::State::status":         a.dir + "/status",
		// Descriptions of applications, which a machine may have asked for.
		"Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
	}
	for key, value := range options {
		args = append(args, "-o", key+"="+value)
	}
	return a.command(name, args...)
}

// unpack replaces root by what was downloaded.
func (a *apt) unpack(root string) error {
	debs, err := filepath.Glob(a.dir + "/archives/*.deb")
	if err != nil {
		return err
	}
	// Unpacked under another name first, so that a run that is broken off does
	// not leave half a tree that looks whole.
	fresh := root + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	for _, deb := range debs {
		if _, err := a.command("dpkg", "-x", deb, fresh); err != nil {
			return err
		}
	}
	// The directory would be as old as the package says.
	if err := os.Chtimes(fresh, time.Time{}, time.Now()); err != nil {
		return err
	}
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	return os.Rename(fresh, root)
}

// clean removes what is not needed any more; what stays takes space only.
func (a *apt) clean() {
	_ = os.RemoveAll(a.dir + "/archives")
	_ = os.RemoveAll(a.dir + "/lists")
	for _, cache := range []string{"pkgcache.bin", "srcpkgcache.bin"} {
		_ = os.Remove(filepath.Join(a.dir, cache))
	}
}

func (a *apt) command(name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithDeadline(context.Background(), a.deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = a.dir + "/archives" // where "apt-get download" puts things
	cmd.WaitDelay = time.Second   // its own children may live on and hold the pipes
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		lines := bytes.Split(bytes.TrimSpace(complaints.Bytes()), []byte("\n"))
		return nil, fmt.Errorf("%s %s: %w: %s", name, args[0], err, lines[len(lines)-1])
	}
	return out, nil
}
