// Package registry asks registries what images start.
//
// In a nutshell: an image's name leads to a manifest, or to an index of manifests of
// which those count whose platforms trace is made for; each has a configuration, which
// names the command. Mirrors are asked first, and then the image's own registry.
// Credentials come from the docker configuration, from the clouds' own helpers, and,
// with a cluster at hand, from the pod's image pull secrets and service account. What
// was found, or why not, is kept for a while: a cluster asks the same again and again.
package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/authn/k8schain"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/client-go/kubernetes"

	"github.com/lannerhq/lanner/inject"
)

// Platforms are those that trace is made for.
var Platforms = []string{"linux/amd64", "linux/arm64"}

// Options say how registries are asked. The zero value is of use.
type Options struct {
	CAFile  string               // certificates (PEM) to trust besides the system's
	Mirrors map[string]string    // what to ask first, by registry: HOST[:PORT] to HOST[:PORT][/PREFIX]
	Cluster kubernetes.Interface // where pods' image pull secrets and service accounts are; nil: none
	Timeout time.Duration        // for one image; 0 is DefaultTimeout
}

// DefaultTimeout is how long one image may take.
const DefaultTimeout = 20 * time.Second

// A Registry is an inject.Entrypoints. It may be used by several goroutines.
type Registry struct {
	options   Options
	transport http.RoundTripper
	known     cache
	silent    sync.Map // from hosts that did not answer in time to when that was
}

// New returns one. An error says what is wrong with the options.
func New(o Options) (*Registry, error) {
	r := &Registry{options: o, transport: remote.DefaultTransport}
	if o.Timeout == 0 {
		r.options.Timeout = DefaultTimeout
	}
	for host, mirror := range o.Mirrors {
		if _, err := name.NewRegistry(host); err != nil {
			return nil, fmt.Errorf("%q is not the host of a registry", host)
		}
		if _, err := name.NewRepository(mirror + "/x"); err != nil {
			return nil, fmt.Errorf("%q is not the address of a mirror (HOST[:PORT][/PREFIX])", mirror)
		}
	}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, err
		}
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificates in it (PEM)", o.CAFile)
		}
		t := remote.DefaultTransport.(*http.Transport).Clone()
		t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		r.transport = t
	}
	return r, nil
}

// Entrypoints returns an image's own commands, by platform.
func (r *Registry) Entrypoints(ctx context.Context, img inject.Image) (inject.Commands, error) {
	key := strings.Join(append([]string{img.Name, img.Namespace, img.ServiceAccount}, img.PullSecrets...), "\x00")
	if r.options.Cluster == nil {
		key = img.Name // the same credentials for all
	}
	return r.known.get(ctx, key, func(ctx context.Context) (inject.Commands, error) { return r.ask(ctx, img) })
}

// ask finds an image's commands, at a mirror or at its own registry.
func (r *Registry) ask(ctx context.Context, img inject.Image) (inject.Commands, error) {
	ctx, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	ref, err := name.ParseReference(img.Name)
	if err != nil {
		return nil, fmt.Errorf("%q is not the name of an image", img.Name)
	}
	options, err := r.Remote(ctx, img)
	if err != nil {
		return nil, err
	}
	options = append(options, remote.WithTransport(bounded{r.transport}))
	var also string
	if mirrored, ok := r.mirror(ref); ok {
		found, err := r.commands(ctx, mirrored, options)
		if err == nil {
			return found, nil
		}
		also = fmt.Sprintf("; its mirror: %v", Explain(mirrored, err))
	}
	found, err := r.commands(ctx, ref, options)
	if err != nil {
		return nil, fmt.Errorf("%w%s", Explain(ref, err), also)
	}
	return found, nil
}

// errSilent is for a registry that did not answer in time a moment ago. A file may have
// many images of one, and each would take the whole time again.
var errSilent = errors.New("it did not answer in time for another image")

// commands reads what an image starts, unless its registry is known not to answer.
func (r *Registry) commands(ctx context.Context, ref name.Reference, options []remote.Option) (inject.Commands, error) {
	host := ref.Context().RegistryStr()
	if at, ok := r.silent.Load(host); ok && time.Since(at.(time.Time)) < keepFailed {
		return nil, errSilent
	}
	if err := ctx.Err(); err != nil { // a mirror took all the time
		return nil, err
	}
	found, err := commands(ref, options)
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		r.silent.Store(host, time.Now())
	}
	return found, err
}

// maxAnswer is what a registry may answer with, in bytes. A manifest has at most 4 MiB
// (OCI distribution-spec, "Pushing Manifests"), a configuration is less; and who names the
// image in a pod chooses the registry that a webhook asks.
const maxAnswer = 8 << 20

// A bounded transport reads no more of an answer.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxAnswer)
	}
	return answer, err
}

// mirror returns where else an image is.
func (r *Registry) mirror(ref name.Reference) (name.Reference, bool) {
	for host, mirror := range r.options.Mirrors {
		if own, err := name.NewRegistry(host); err != nil || own.Name() != ref.Context().RegistryStr() {
			continue
		}
		sep := ":"
		if _, ok := ref.(name.Digest); ok {
			sep = "@"
		}
		m, err := name.ParseReference(mirror + "/" + ref.Context().RepositoryStr() + sep + ref.Identifier())
		return m, err == nil
	}
	return nil, false
}

// Remote returns the options for asking about an image.
func (r *Registry) Remote(ctx context.Context, img inject.Image) ([]remote.Option, error) {
	keys, err := r.keychain(ctx, img)
	if err != nil {
		return nil, err
	}
	return []remote.Option{
		remote.WithContext(ctx), remote.WithAuthFromKeychain(keys), remote.WithTransport(r.transport), remote.WithUserAgent("lanner-inject"),
		remote.WithRetryBackoff(remote.Backoff{Duration: 200 * time.Millisecond, Factor: 3, Jitter: 0.1, Steps: 2}),
		// Not 429: to ask again at once is what must not be done.
		remote.WithRetryStatusCodes(http.StatusRequestTimeout, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout),
	}, nil
}

func (r *Registry) keychain(ctx context.Context, img inject.Image) (authn.Keychain, error) {
	if r.options.Cluster == nil {
		return k8schain.NewNoClient(ctx)
	}
	keys, err := k8schain.New(ctx, r.options.Cluster, k8schain.Options{
		Namespace: img.Namespace, ServiceAccountName: img.ServiceAccount, ImagePullSecrets: img.PullSecrets,
	})
	if err != nil {
		return nil, fmt.Errorf("image %s: its pull secrets can't be read: %s", img.Name, line(err))
	}
	return keys, nil
}

// errNotForUs is for images of other systems and machines.
type errNotForUs []string

func (e errNotForUs) Error() string {
	return "it is for " + strings.Join(e, ", ") + ", and trace for " + strings.Join(Platforms, ", ")
}

// commands reads what an image starts.
func commands(ref name.Reference, options []remote.Option) (inject.Commands, error) {
	d, err := remote.Get(ref, options...)
	if err != nil {
		return nil, err
	}
	if !d.MediaType.IsIndex() {
		img, err := d.Image()
		if err != nil {
			return nil, err
		}
		found := inject.Commands{}
		return found, add(found, img)
	}
	index, err := d.ImageIndex()
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	found := inject.Commands{}
	var others []string
	for _, m := range manifest.Manifests {
		switch {
		case !m.MediaType.IsImage() || m.Platform == nil || m.Platform.OS == "unknown": // attestations
			continue
		case !slices.Contains(Platforms, m.Platform.OS+"/"+m.Platform.Architecture):
			others = append(others, m.Platform.String())
			continue
		}
		img, err := index.Image(m.Digest)
		if err != nil {
			return nil, err
		}
		if err := add(found, img); err != nil {
			return nil, err
		}
	}
	if len(found) == 0 {
		return nil, errNotForUs(others)
	}
	return found, nil
}

// add adds the command of one platform's image.
func add(found inject.Commands, img v1.Image) error {
	file, err := img.ConfigFile()
	if err != nil {
		return err
	}
	if file.OS == "" || file.Architecture == "" {
		return errors.New("its configuration names no platform")
	}
	platform := file.OS + "/" + file.Architecture
	if !slices.Contains(Platforms, platform) {
		return errNotForUs{platform}
	}
	if file.Variant != "" {
		platform += "/" + file.Variant
	}
	found[platform] = inject.Command{Entrypoint: file.Config.Entrypoint, Cmd: file.Config.Cmd}
	return nil
}
