package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

// Certificates is where a server's certificate comes from.
type Certificates interface {
	Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	Ready() bool
}

// Paths of the server.
const (
	MutatePath  = "/mutate"
	HealthPath  = "/healthz"
	ReadyPath   = "/readyz"
	MetricsPath = "/metrics"
)

// How much of reviews is dealt with at a time, in bytes; a small one counts for least. An
// answer takes some forty times the memory of its review, and who can connect must not
// have us use more than the manifests allow (256 MiB).
const (
	inHand = maxReview
	least  = 64 << 10
)

// drain is how long the server goes on after it was told to end: that long, endpoints
// may still name it.
var drain = 5 * time.Second

// Serve answers on a listener until the context ends, then finishes what it has begun.
// clients, if not nil, are the authorities of who may post reviews; ready, if not nil, is
// another condition of being ready.
func Serve(ctx context.Context, l net.Listener, h *Handler, certs Certificates, clients *x509.CertPool, ready func() bool) error {
	mux := http.NewServeMux()
	mux.Handle(MutatePath, admitted(h, clients != nil))
	mux.Handle(MetricsPath, h.Metrics.handler())
	mux.HandleFunc(HealthPath, func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc(ReadyPath, func(w http.ResponseWriter, _ *http.Request) {
		if ctx.Err() != nil || !certs.Ready() || ready != nil && !ready() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
		}
	})
	server := &http.Server{
		Handler:           mux,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: certs.Certificate, ClientCAs: clients, ClientAuth: tls.VerifyClientCertIfGiven},
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       maxWait + time.Second,
		WriteTimeout:      2*maxWait + time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          log.New(quiet{h.Log}, "", 0),
	}
	done := make(chan error, 1)
	go func() { done <- server.ServeTLS(l, "", "") }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	time.Sleep(drain)
	end, cancel := context.WithTimeout(context.Background(), maxWait)
	defer cancel()
	if err := server.Shutdown(end); err != nil {
		return err
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// admitted lets a handler be called for so much at once, and only by who has shown a
// certificate where that is wanted. Others are turned away before they are read.
func admitted(h http.Handler, certificate bool) http.Handler {
	room := semaphore.NewWeighted(inHand)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if certificate && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0) {
			http.Error(w, "reviews take a client certificate", http.StatusUnauthorized)
			return
		}
		size := max(r.ContentLength, least)
		if r.ContentLength < 0 {
			size = inHand
		}
		ctx, cancel := context.WithTimeout(r.Context(), maxWait)
		err := room.Acquire(ctx, min(size, inHand))
		cancel()
		if err != nil {
			http.Error(w, "too many reviews at once", http.StatusServiceUnavailable)
			return
		}
		defer room.Release(min(size, inHand))
		h.ServeHTTP(w, r)
	})
}

// quiet logs what the server says of single connections, which anyone can cause, as
// details.
type quiet struct{ *slog.Logger }

func (q quiet) Write(p []byte) (int, error) {
	q.Debug("connection", "problem", string(p))
	return len(p), nil
}
