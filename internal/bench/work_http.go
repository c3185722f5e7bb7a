package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// serveTime bounds the life of a server that nobody stops, and of a client.
const serveTime = 10 * time.Minute

// page is what the servers serve.
func page() []byte { return bytes.Repeat([]byte("lanner\n"), 1<<10/7) }

// workServe serves the page until SIGTERM.
func workServe(addr, pidFile string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer cancel()
	ctx, cancelTime := context.WithTimeout(ctx, serveTime)
	defer cancelTime()
	text := page()
	s := http.Server{ReadTimeout: serveTime, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(text) })}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return s.Close()
	}
}

// renewAfter is how many requests a connection serves; then a new one is made,
// so that accept and close have their part.
const renewAfter = 100

// workLoad asks a server n times over some connections, and prints how long that
// took, in ns.
func workLoad(addr string, conns, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), serveTime)
	defer cancel()
	began := time.Now()
	errs := make(chan error, conns)
	var clients sync.WaitGroup
	for i := range conns {
		share := n / conns
		if i < n%conns {
			share++
		}
		clients.Go(func() { errs <- ask(ctx, "http://"+addr+"/page", share) })
	}
	clients.Wait()
	took := time.Since(began)
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	if err := errors.Join(all...); err != nil {
		return err
	}
	_, err := fmt.Println(took.Nanoseconds())
	return err
}

// ask requests a URL n times over one connection at a time.
func ask(ctx context.Context, url string, n int) error {
	t := &http.Transport{DisableCompression: true}
	c := http.Client{Transport: t}
	defer t.CloseIdleConnections()
	want := int64(len(page()))
	for i := range n {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := c.Do(req)
		if err != nil {
			return err
		}
		got, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK || got != want {
			return fmt.Errorf("GET %s: %s, %d bytes", url, resp.Status, got)
		}
		if i%renewAfter == renewAfter-1 {
			t.CloseIdleConnections()
		}
	}
	return nil
}
