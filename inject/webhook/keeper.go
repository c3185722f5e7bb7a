package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

// A Keeper makes the webhook's certificate and renews it. All replicas share it in a
// Secret; who finds that it has to be renewed does so, and if two do, the API server
// takes the first. A replica announces the authorities of a certificate, new and old
// ones, in the webhook's configuration before it uses it: the API server trusts what
// any replica shows it at any time.
type Keeper struct {
	Client        kubernetes.Interface
	Namespace     string // of Secret and Service
	Secret        string
	Service       string // the API server calls it as Service.Namespace.svc
	Configuration string // name of the MutatingWebhookConfiguration
	Metrics       *Metrics
	Log           *slog.Logger

	now     func() time.Time // nil: time.Now
	current atomic.Pointer[tls.Certificate]
}

// How often a Keeper looks, how soon again after a failure, and how long API servers are
// given to see what was announced.
const (
	lookEvery  = time.Minute
	retryEvery = 5 * time.Second
	settle     = 30 * time.Second
)

// authorityKey is the Secret's key for the authorities; the others are those of
// Secrets of type kubernetes.io/tls.
const authorityKey = "ca.crt"

// Run keeps the certificate until the context ends.
func (k *Keeper) Run(ctx context.Context) {
	for {
		next := lookEvery
		if err := k.Sync(ctx); err != nil && ctx.Err() == nil {
			k.Log.Error("the certificate could not be kept", "error", err)
			next = retryEvery
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(next):
		}
	}
}

// Sync looks once: it makes or renews the certificate if that is due, announces its
// authorities, and uses it once API servers must have seen them: until then the one
// before, if that is still trusted.
func (k *Keeper) Sync(ctx context.Context) error {
	b, err := k.bundle(ctx)
	if err != nil {
		return err
	}
	if err := k.announce(ctx, b.authorities); err != nil {
		return err
	}
	pair, err := b.pair()
	if err != nil {
		return err
	}
	now := k.time()
	made := pair.Leaf.NotBefore.Add(skew)
	if old := k.current.Load(); old != nil && now.Sub(made) < settle && b.vouches(old.Leaf, k.names(), now) == nil {
		return nil
	}
	k.current.Store(pair)
	k.Metrics.expiry.Set(float64(pair.Leaf.NotAfter.Unix()))
	return nil
}

// Certificate is for tls.Config.
func (k *Keeper) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := k.current.Load(); c != nil {
		return c, nil
	}
	return nil, errors.New("there is no certificate yet")
}

// Ready reports whether there is a certificate.
func (k *Keeper) Ready() bool { return k.current.Load() != nil }

// names are what clients call the server.
func (k *Keeper) names() []string {
	host := k.Service + "." + k.Namespace
	return []string{host + ".svc", host, host + ".svc.cluster.local"}
}

func (k *Keeper) time() time.Time {
	if k.now != nil {
		return k.now()
	}
	return time.Now()
}

// bundle reads the Secret, and writes it if it has no good certificate.
func (k *Keeper) bundle(ctx context.Context) (*bundle, error) {
	secrets := k.Client.CoreV1().Secrets(k.Namespace)
	for {
		s, err := secrets.Get(ctx, k.Secret, meta.GetOptions{})
		missing := apierrors.IsNotFound(err)
		if err != nil && !missing {
			return nil, fmt.Errorf("the secret of the certificate: %w", err)
		}
		if !missing {
			b := &bundle{s.Data[authorityKey], s.Data[core.TLSCertKey], s.Data[core.TLSPrivateKeyKey]}
			why := b.check(k.names(), k.time())
			if why == nil {
				return b, nil
			}
			k.Log.Info("the certificate is renewed", "because", why.Error())
		}
		b, err := newBundle(k.names(), s.Data[authorityKey], k.time())
		if err != nil {
			return nil, err
		}
		data := map[string][]byte{authorityKey: b.authorities, core.TLSCertKey: b.cert, core.TLSPrivateKeyKey: b.key}
		if missing {
			s = &core.Secret{ObjectMeta: meta.ObjectMeta{Name: k.Secret, Namespace: k.Namespace}, Type: core.SecretTypeTLS, Data: data}
			_, err = secrets.Create(ctx, s, meta.CreateOptions{})
		} else {
			s.Data = data
			_, err = secrets.Update(ctx, s, meta.UpdateOptions{})
		}
		switch {
		case apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsNotFound(err):
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			continue // another replica was faster: take its certificate
		case err != nil:
			return nil, fmt.Errorf("the secret of the certificate: %w", err)
		}
		return b, nil
	}
}

// announce writes the authorities into the webhook's configuration.
func (k *Keeper) announce(ctx context.Context, authorities []byte) error {
	configurations := k.Client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		c, err := configurations.Get(ctx, k.Configuration, meta.GetOptions{})
		if err != nil {
			return err
		}
		stale := false
		for i := range c.Webhooks {
			if to := &c.Webhooks[i].ClientConfig; !bytes.Equal(to.CABundle, authorities) {
				to.CABundle, stale = authorities, true
			}
		}
		if !stale {
			return nil
		}
		_, err = configurations.Update(ctx, c, meta.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("the webhook's configuration: %w", err)
	}
	return nil
}
