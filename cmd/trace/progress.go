package main

import (
	"fmt"
	"os"
	"time"

	"github.com/lannerhq/lanner/internal/capture"
)

// The line is first shown when reading takes longer than most do.
const (
	progressAfter = 500 * time.Millisecond
	progressEvery = 200 * time.Millisecond
)

// showProgress tells on the terminal how much of a capture has been read, until the
// result is called, which takes the line away again.
func showProgress(name string, rd *capture.Reader) (stop func()) {
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		shown := false
		for wait := progressAfter; ; wait = progressEvery {
			select {
			case <-done:
				if shown {
					fmt.Fprint(os.Stderr, "\r\x1b[K") // EL: erase to the end of the line (ECMA-48)
				}
				return
			case <-time.After(wait):
			}
			if read, all := rd.Progress(); all > 0 {
				fmt.Fprintf(os.Stderr, "\r%s: %d%% of %s read\x1b[K", name, 100*read/all, size(uint64(all)))
				shown = true
			}
		}
	}()
	return func() { close(done); <-gone }
}
