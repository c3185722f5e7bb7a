package kernel

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestWrongHeaders: what can't be built against is told before anything is built.
func TestWrongHeaders(t *testing.T) {
	dir := t.TempDir()
	config := map[string]string{"amd64": "X86_64", "arm64": "ARM64"}[runtime.GOARCH]
	for name, text := range map[string]string{
		"include/generated/utsrelease.h": "#define UTS_RELEASE \"6.1.0-x\"\n",
		"include/generated/autoconf.h":   "#define CONFIG_" + config + " 1\n",
		"include/linux/kconfig.h":        "",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	to := filepath.Join(t.TempDir(), "file")
	for _, driver := range []string{ClassicBPF, Module} {
		for _, c := range []struct{ release, headers, want string }{
			{"6.1.0-y", dir, dir + " has the headers of Linux 6.1.0-x, not of 6.1.0-y"},
			{"", t.TempDir(), "it should be what modules are built against"},
			{"", "/no/such", "no headers in /no/such: it should be"},
			{"4.4.4-none", "", "no headers of Linux 4.4.4-none: "},
			{"", dir, "build the " + names[driver] + " for Linux 6.1.0-x: "}, // there is little in them
		} {
			_, err := Build{Half: Half{Driver: driver, File: to}, Release: c.release, Headers: c.headers}.Make(context.Background())
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, %+v: %v", driver, c, err)
			}
			if _, err := os.Stat(to); err == nil {
				t.Errorf("%s, %+v: there is a file", driver, c)
			}
		}
	}
}
