package kubetest

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Version is the release of Kubernetes that is built. Its parts are released under
// another number.
const (
	Version = "v1.34.4"
	parts   = "v0.34.4"
)

// staging are the parts of k8s.io/kubernetes that are modules of their own. Its go.mod
// has them as directories, which is of no use to others.
var staging = strings.Fields(`api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider
	cluster-bootstrap code-generator component-base component-helpers controller-manager cri-api cri-client csi-translation-lib
	dynamic-resource-allocation endpointslice externaljwt kms kube-aggregator kube-controller-manager kube-proxy kube-scheduler
	kubectl kubelet metrics mount-utils pod-security-admission sample-apiserver sample-cli-plugin sample-controller`)

// programs are what is built, and of which packages.
var programs = map[string]string{
	"kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
	"kubectl":        "k8s.io/kubernetes/cmd/kubectl",
	"validate":       "./validator",
}

//go:embed testdata/validate/main.go
var validator []byte

// build returns the directory that the programs are in, of which it builds the missing
// ones. Of several processes one builds, and the others wait.
func build(names ...string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "lanner", "kube-"+Version)
	source := filepath.Join(dir, "validator", "main.go")
	if err := os.MkdirAll(filepath.Dir(source), 0o755); err != nil {
		return "", err
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	if old, err := os.ReadFile(source); err != nil || !bytes.Equal(old, validator) {
		if err := os.WriteFile(source, validator, 0o644); err != nil {
			return "", err
		}
		_ = os.Remove(filepath.Join(dir, "validate"))
	}
	names = slices.DeleteFunc(names, func(name string) bool { return have(dir, name) })
	if len(names) == 0 {
		return dir, nil
	}
	mod := "module kubetest\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes " + Version + "\n\nreplace (\n"
	for _, s := range staging {
		mod += fmt.Sprintf("\tk8s.io/%s => k8s.io/%s %s\n", s, s, parts)
	}
	tools := "//go:build tools\n\npackage tools\n\nimport (\n"
	for _, pkg := range programs {
		if !strings.HasPrefix(pkg, ".") {
			tools += "\t_ \"" + pkg + "\"\n"
		}
	}
	for name, text := range map[string]string{"go.mod": mod + ")\n", "tools.go": tools + ")\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	stamp := "-s -w -X k8s.io/component-base/version.gitVersion=" + Version
	for i, n := range strings.SplitN(strings.TrimPrefix(Version, "v"), ".", 3)[:2] {
		stamp += fmt.Sprintf(" -X k8s.io/component-base/version.git%s=%s", []string{"Major", "Minor"}[i], n)
	}
	commands := [][]string{{"go", "mod", "tidy", "-e"}}
	for _, name := range names {
		commands = append(commands, []string{"go", "build", "-trimpath", "-ldflags", stamp, "-o", name, programs[name]})
	}
	for _, c := range commands {
		cmd := exec.Command("nice", c...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod -buildvcs=false", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", strings.Join(c, " "), err, out)
		}
	}
	return dir, nil
}

func have(dir, program string) bool {
	_, err := os.Stat(filepath.Join(dir, program))
	return err == nil
}

// Tool returns a Go program of others, built once into the user's cache directory, or
// skips the test. pkg is as for go install: PATH@VERSION.
func Tool(t *testing.T, name, pkg string) string {
	t.Helper()
	if os.Getenv("LANNER_TEST_KUBE") == "" {
		t.Skipf("LANNER_TEST_KUBE is not set: needs %s, which takes minutes to build", name)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(pkg, "@")
	dir := filepath.Join(cache, "lanner", name+"-"+version)
	if have(dir, name) {
		return filepath.Join(dir, name)
	}
	cmd := exec.Command("nice", "go", "install", pkg)
	cmd.Dir = os.TempDir()
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOBIN="+dir, "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go install %s: %v\n%s", pkg, err, out)
	}
	return filepath.Join(dir, name)
}

// Validate returns what the API server's own validation finds wrong with pods, JSON
// objects one after the other, without a server; or it skips the test.
func Validate(t *testing.T, pods []byte) string {
	t.Helper()
	if os.Getenv("LANNER_TEST_KUBE") == "" {
		t.Skip("LANNER_TEST_KUBE is not set: needs Kubernetes' validation, which takes minutes to build")
	}
	dir, err := build("validate")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "validate"))
	cmd.Stdin = bytes.NewReader(pods)
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	return string(out)
}
