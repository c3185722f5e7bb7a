package vmtest

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// An archive is an initial file system: a cpio archive of the format "newc"
// (the kernel's Documentation/driver-api/early-userspace/buffer-format.rst). It
// is not compressed: an emulated processor takes longer to unpack it than the
// kernel to read it.
type archive struct {
	w    *bufio.Writer
	dirs map[string]bool // those that are in it
	ino  int
	err  error // the first
}

func newArchive(w io.Writer) *archive {
	return &archive{w: bufio.NewWriter(w), dirs: map[string]bool{".": true}}
}

// File types, from stat.h.
const (
	modeDir    = 0o040000
	modeChar   = 0o020000
	modeFile   = 0o100000
	modeSymbol = 0o120000
)

// entry writes one header and the name; size bytes of content follow.
func (a *archive) entry(name string, mode, size, major, minor int) {
	if a.err != nil {
		return
	}
	a.ino++
	links := 1
	// magic, ino, mode, uid, gid, nlink, mtime, size, the device that it is on, the
	// device that it is, length of the name, checksum
	n, err := fmt.Fprintf(a.w, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.ino, mode, 0, 0, links, 0, size, 0, 0, major, minor, len(name)+1, 0, name)
	a.err = err
	a.pad(n)
}

// pad fills up to four bytes what is n bytes long.
func (a *archive) pad(n int) {
	if _, err := a.w.Write(make([]byte, -n&3)); err != nil && a.err == nil {
		a.err = err
	}
}

// dir makes a directory, and those above it.
func (a *archive) dir(name string) {
	if name = path.Clean(name); a.dirs[name] {
		return
	}
	a.dir(path.Dir(name))
	a.dirs[name] = true
	a.entry(name, modeDir|0o755, 0, 0, 0)
}

// text makes a file of what is given.
func (a *archive) text(name string, content []byte) {
	a.dir(path.Dir(name))
	a.entry(name, modeFile|0o644, len(content), 0, 0)
	if _, err := a.w.Write(content); err != nil && a.err == nil {
		a.err = err
	}
	a.pad(len(content))
}

// console makes what process 1 has open when it starts.
func (a *archive) console() {
	a.dir("dev")
	a.entry("dev/console", modeChar|0o600, 0, 5, 1)
}

// add copies a file of this machine, or a directory and all below it. Of
// symbolic links below it the links are copied.
func (a *archive) add(name, from string) error {
	from, err := filepath.EvalSymlinks(from)
	if err != nil {
		return err
	}
	err = filepath.WalkDir(from, func(at string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rest, err := filepath.Rel(from, at)
		if err != nil {
			return err
		}
		to := path.Join(name, rest)
		a.dir(path.Dir(to))
		switch e.Type() {
		case fs.ModeDir:
			a.dir(to)
			return a.err
		case fs.ModeSymlink:
			target, err := os.Readlink(at)
			if err != nil {
				return err
			}
			a.entry(to, modeSymbol|0o777, len(target), 0, 0)
			if a.err == nil {
				_, a.err = a.w.WriteString(target)
			}
			a.pad(len(target))
			return a.err
		case 0:
			return a.copy(to, at)
		}
		return fmt.Errorf("%s is no file, directory or link", at)
	})
	return err
}

func (a *archive) copy(name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	size := int(st.Size())
	a.entry(name, modeFile|int(st.Mode().Perm()), size, 0, 0)
	if a.err != nil {
		return a.err
	}
	if _, err := io.CopyN(a.w, f, st.Size()); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	a.pad(size)
	return a.err
}

func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, 0, 0, 0)
	if a.err != nil {
		return a.err
	}
	return a.w.Flush()
}
