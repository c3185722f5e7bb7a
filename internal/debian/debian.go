// Package debian fetches Debian's packages for tests and unpacks them aside.
//
// In a nutshell: a Tree names packages and the suites that may have them; Fetch
// returns the directory that they are unpacked in, below the user's cache
// directory. Nothing is installed, root is not needed, and the machine's own
// package lists stay as they are. Packages come from wherever the machine's own
// come from, and are checked with Debian's keys.
//
// A tree is the newest there is when it is fetched, and is fetched anew once it
// is a week old; if that fails the old one does.
//
// Locks: processes that use a tree hold a shared lock of it until they end, so
// that none is replaced while in use; the one that fetches it holds the lock
// alone.
package debian

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A Tree is a set of packages.
type Tree struct {
	Name     string   // of its directory in the cache
	Suites   []string // as "bookworm" or "bookworm-security"; the first that has the packages
	Arch     string   // as Debian and Go call it; "" is the machine's
	Packages []string

	// Follow matches the names of the dependencies that come along; nil is for
	// all there are.
	Follow *regexp.Regexp
}

const (
	week     = 7 * 24 * time.Hour
	patience = 5 * time.Minute // for one suite
)

// held are the locks of this process, which its end lets go of.
var (
	heldMu sync.Mutex
	held   []*os.File
)

// Fetch returns the directory that the packages are unpacked in. Only the first
// call in a week, of all processes, downloads anything.
func (t Tree) Fetch() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "lanner", t.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	root := filepath.Join(dir, "root")
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	heldMu.Lock()
	held = append(held, lock)
	heldMu.Unlock()
	if err := flock(lock, unix.LOCK_SH); err != nil {
		return "", err
	}
	old, there := age(root)
	if there && old < week {
		return root, nil
	}
	how := unix.LOCK_EX
	if there {
		how |= unix.LOCK_NB // in use is no reason to wait: it is only old
	}
	if err := flock(lock, how); err == nil {
		if old, ok := age(root); !ok || old >= week { // another process may have been faster
			err = t.replace(dir, root)
		}
		if err != nil && !there {
			return "", err
		}
	} else if !there {
		return "", err
	}
	return root, flock(lock, unix.LOCK_SH)
}

// age returns how long ago a tree was unpacked.
func age(root string) (time.Duration, bool) {
	st, err := os.Stat(root)
	if err != nil {
		return 0, false
	}
	return time.Since(st.ModTime()), true
}

// replace fetches the packages from the first suite that has them.
func (t Tree) replace(dir, root string) error {
	var errs []error
	for _, suite := range t.Suites {
		apt := &apt{dir: dir, arch: cmp.Or(t.Arch, runtime.GOARCH), deadline: time.Now().Add(patience)}
		err := apt.configure(suite)
		if err == nil {
			err = apt.download(t.Packages, t.Follow)
		}
		if err == nil {
			err = apt.unpack(root)
		}
		apt.clean()
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", suite, err))
	}
	return errors.Join(errs...)
}

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if err == nil {
			return nil
		}
		if err != unix.EINTR {
			return fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
}
