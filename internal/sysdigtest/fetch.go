package sysdigtest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/lannerhq/lanner/internal/debian"
)

// fetch returns the sysdig of a Debian suite, with all libraries: some 10 to 40 MB.
func fetch(suite string) (*Tool, error) {
	root, err := debian.Tree{Name: "sysdig-" + suite, Suites: []string{suite}, Packages: []string{"sysdig"}}.Fetch()
	if err != nil {
		return nil, err
	}
	tool, ok := unpacked(root)
	if !ok {
		return nil, errors.New("the packages hold no sysdig")
	}
	return tool, nil
}

// unpacked returns the tool in a directory that packages were unpacked in, run
// by its own loader with its own libraries: those of the machine may be older.
func unpacked(root string) (*Tool, bool) {
	var loaders, dirs []string
	for _, top := range []string{root + "/usr/lib", root + "/lib"} {
		found, _ := filepath.Glob(top + "/*/ld-linux-*")
		loaders = append(loaders, found...)
		found, _ = filepath.Glob(top + "/*-linux-gnu*")
		dirs = append(dirs, found...)
	}
	program := root + "/usr/bin/sysdig"
	if _, err := os.Stat(program); err != nil || len(loaders) == 0 {
		return nil, false
	}
	return &Tool{argv: []string{loaders[0], "--library-path", strings.Join(dirs, ":"), program}}, true
}
