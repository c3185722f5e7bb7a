package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A server writes its process id to pidFile once it is ready and serves, on
// loopback, the address in addressFile.
func pidFile(dir string) string     { return filepath.Join(dir, "pid") }
func addressFile(dir string) string { return filepath.Join(dir, "address") }

// freeAddress chooses a port nobody listens on and notes it in addressFile.
// Should another program be quicker to take it, the server fails to start and
// says so.
func freeAddress(dir string) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	addr := l.Addr().String()
	return addr, os.WriteFile(addressFile(dir), []byte(addr), 0o600)
}

// startTime bounds how long a server may take until it serves.
const startTime = 15 * time.Second

// load starts a server by its command line, lets a client ask it, which is not
// traced, and stops it. The time is the client's, from its first request to the
// last answer: how long a server takes to start is not the question.
func (b *bench) load(argv []string, dir string) (outcome, error) {
	p, err := b.start(argv, nil, nil)
	if err != nil {
		return outcome{}, err
	}
	addr, pid, err := awaitServer(dir, p)
	var took time.Duration
	if err == nil {
		took, err = b.client(addr)
	}
	if err != nil {
		p.kill()
		return outcome{}, errors.Join(err, failureOf(p.wait()))
	}
	if err := unix.Kill(pid, unix.SIGTERM); err != nil {
		p.kill()
		return outcome{}, errors.Join(fmt.Errorf("stop the server: %w", err), failureOf(p.wait()))
	}
	out, err := p.wait()
	out.wall = took
	return out, err
}

// awaitServer waits until the server can be reached.
func awaitServer(dir string, p *process) (addr string, pid int, err error) {
	text, err := os.ReadFile(addressFile(dir))
	if err != nil {
		return "", 0, err
	}
	addr = string(text)
	for end := time.Now().Add(startTime); time.Now().Before(end) && p.alive(); time.Sleep(5 * time.Millisecond) {
		if text, err = os.ReadFile(pidFile(dir)); err != nil {
			continue
		}
		if pid, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
			continue
		}
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return addr, pid, nil
		}
	}
	return "", 0, errors.New("the server did not start")
}

// client runs the client and returns how long it took by its own watch.
func (b *bench) client(addr string) (time.Duration, error) {
	var answer bytes.Buffer
	argv := []string{b.self, "work", "load", addr, strconv.Itoa(b.sizes.connections), strconv.Itoa(b.sizes.requests)}
	p, err := b.start(argv, nil, &answer)
	if err != nil {
		return 0, err
	}
	if out, err := p.wait(); err != nil || out.status != 0 {
		return 0, fmt.Errorf("client: %w", failureOf(out, err))
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(answer.String()), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("client: %w", err)
	}
	return time.Duration(ns), nil
}
