package registry

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sys/unix"
)

// Explain words, in one line, why a registry did not give an image.
func Explain(r name.Reference, err error) error {
	host, ref := r.Context().RegistryStr(), r.Name()
	if te, ok := errors.AsType[*transport.Error](err); ok {
		switch te.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf("registry %s denies access to image %s: log in (docker login), or name an image pull secret", host, ref)
		case http.StatusNotFound:
			return fmt.Errorf("registry %s has no image %s", host, ref)
		case http.StatusTooManyRequests:
			return fmt.Errorf("registry %s limits how often it may be asked, and has no more for image %s: log in, name a mirror, or try again later", host, ref)
		}
		return fmt.Errorf("registry %s fails for image %s: %s", host, ref, line(te))
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("registry %s answers with more than %d MiB for image %s", host, maxAnswer>>20, ref)
	}
	var refused *net.OpError
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case errors.Is(err, errSilent):
		return fmt.Errorf("registry %s was not asked for image %s: %w", host, ref, errSilent)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("registry %s did not answer in time for image %s", host, ref)
	case unknown:
		return fmt.Errorf("registry %s: its certificate is signed by an unknown authority (--ca-file names one to trust)", host)
	case errors.As(err, &refused):
		var errno unix.Errno
		if errors.As(err, &errno) {
			return fmt.Errorf("registry %s can't be reached: %w", host, errno)
		}
		return fmt.Errorf("registry %s can't be reached: %s", host, line(refused.Err))
	}
	return fmt.Errorf("image %s: %s", ref, line(err))
}

// line is an error in one line, and not a long one.
func line(err error) string {
	s := strings.Join(strings.Fields(err.Error()), " ")
	if len(s) > 300 {
		s = s[:300] + "..."
	}
	return s
}
