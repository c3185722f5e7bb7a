package registry

import (
	"context"
	"sync"
	"time"

	"github.com/lannerhq/lanner/inject"
)

// How long answers are kept, and how many. Tags move, and what was denied may be
// granted.
const (
	keepFound  = 5 * time.Minute
	keepFailed = 30 * time.Second
	keepMost   = 1000
)

// A cache keeps answers. Who asks for what is being asked already waits for that.
type cache struct {
	mu      sync.Mutex
	answers map[string]*answer
}

type answer struct {
	done    chan struct{} // closed when the rest is known
	found   inject.Commands
	err     error
	expires time.Time
}

func (c *cache) get(ctx context.Context, key string, ask func(context.Context) (inject.Commands, error)) (inject.Commands, error) {
	c.mu.Lock()
	a := c.answers[key]
	if a == nil || a.over() {
		if c.answers == nil || len(c.answers) >= keepMost {
			c.answers = map[string]*answer{}
		}
		a = &answer{done: make(chan struct{})}
		c.answers[key] = a
		go func() {
			// Others may wait for it when who asked first has gone.
			a.found, a.err = ask(context.WithoutCancel(ctx))
			keep := keepFound
			if a.err != nil {
				keep = keepFailed
			}
			a.expires = time.Now().Add(keep)
			close(a.done)
		}()
	}
	c.mu.Unlock()
	select {
	case <-a.done:
		return a.found, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// over reports whether an answer is known and too old.
func (a *answer) over() bool {
	select {
	case <-a.done:
		return time.Now().After(a.expires)
	default:
		return false
	}
}
