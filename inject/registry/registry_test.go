package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	images "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/lannerhq/lanner/inject"
)

func TestMain(m *testing.M) {
	// The user's own credentials have no place here.
	dir, err := os.MkdirTemp("", "registry-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("DOCKER_CONFIG", dir)
	os.Setenv("REGISTRY_AUTH_FILE", filepath.Join(dir, "none"))
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A server is a registry with images, and what it does before it answers.
type server struct {
	*httptest.Server
	before func(w http.ResponseWriter, r *http.Request) bool // false: it answered itself
	asked  atomic.Int64                                      // requests for manifests
}

func serve(t *testing.T, tls bool) *server {
	t.Helper()
	s := &server{}
	h := images.New(images.Logger(log.New(io.Discard, "", 0)))
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/") {
			s.asked.Add(1)
		}
		if s.before == nil || s.before(w, r) {
			h.ServeHTTP(w, r)
		}
	}))
	s.Server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *server) host() string { return s.Listener.Addr().String() }

// image makes an image; its entrypoint and command are separated by "|".
func image(t *testing.T, platform, start string) v1.Image {
	t.Helper()
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		t.Fatal(err)
	}
	entrypoint, cmd, _ := strings.Cut(start, "|")
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: p.OS, Architecture: p.Architecture, Variant: p.Variant,
		Config: v1.Config{Entrypoint: strings.Fields(entrypoint), Cmd: strings.Fields(cmd)},
		RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// index makes an index of images, platform and start by turns.
func index(t *testing.T, parts ...string) v1.ImageIndex {
	t.Helper()
	idx := v1.ImageIndex(empty.Index)
	for i := 0; i < len(parts); i += 2 {
		p, _ := v1.ParsePlatform(parts[i])
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: image(t, parts[i], parts[i+1]), Descriptor: v1.Descriptor{Platform: p}})
	}
	return idx
}

// push puts an image or an index into a registry.
func (s *server) push(t *testing.T, ref string, what any) string {
	t.Helper()
	r, err := name.ParseReference(s.host() + "/" + ref)
	if err != nil {
		t.Fatal(err)
	}
	options := []remote.Option{remote.WithTransport(s.Client().Transport)}
	switch what := what.(type) {
	case v1.Image:
		err = remote.Write(r, what, options...)
	case v1.ImageIndex:
		err = remote.WriteIndex(r, what, options...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r.String()
}

func ask(t *testing.T, o Options, ref string) (inject.Commands, error) {
	t.Helper()
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r.Entrypoints(context.Background(), inject.Image{Name: ref})
}

// TestFound: what images start, by platform.
func TestFound(t *testing.T) {
	s := serve(t, false)
	digest, err := image(t, "linux/amd64", "/a|b c").Digest()
	if err != nil {
		t.Fatal(err)
	}
	one := s.push(t, "shop/one:1", image(t, "linux/amd64", "/a|b c"))
	many := s.push(t, "many", index(t, "linux/amd64", "/a|x", "linux/arm64/v8", "|/b", "linux/s390x", "/c", "windows/amd64", "d.exe", "unknown/unknown", ""))
	none := s.push(t, "none", image(t, "linux/arm64", ""))
	for ref, want := range map[string]string{
		one: `{"*":{"entrypoint":["/a"],"cmd":["b","c"]}}`,
		s.host() + "/shop/one@" + digest.String(): `{"*":{"entrypoint":["/a"],"cmd":["b","c"]}}`,
		many: `{"linux/amd64":{"entrypoint":["/a"],"cmd":["x"]},"linux/arm64/v8":{"cmd":["/b"]}}`,
		none: `{"*":{}}`,
	} {
		if got, err := ask(t, Options{}, ref); err != nil || got.String() != want {
			t.Errorf("%s: %s, %v, want %s", ref, got, err, want)
		}
	}
	// An image without any command is skipped with its reason.
	o := inject.Options{Dir: "/lanner", TraceImage: "trace"}
	o.Entrypoints, _ = New(Options{})
	if _, err := o.Wrap(context.Background(), inject.Start{}, inject.Image{Name: none}); err == nil || err.Error() != "image "+none+" has no command, and the workload has none either" {
		t.Error(err)
	}
}

// TestRefused: why an image was not found, in one line.
func TestRefused(t *testing.T) {
	s := serve(t, false)
	windows := s.push(t, "windows", index(t, "windows/amd64", "x.exe"))
	single := s.push(t, "s390x", image(t, "linux/s390x", "/x"))
	status := func(code int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v2/" {
				return true
			}
			w.WriteHeader(code)
			io.WriteString(w, body)
			return false
		}
	}
	gone := serve(t, false)
	gone.Close()
	for _, c := range []struct {
		ref    string
		before func(http.ResponseWriter, *http.Request) bool
		want   string
	}{
		{"No Image", nil, `"No Image" is not the name of an image`},
		{s.host() + "/absent:2", nil, "registry HOST has no image HOST/absent:2"},
		{windows, nil, "image HOST/windows:latest: it is for windows/amd64, and trace for linux/amd64, linux/arm64"},
		{single, nil, "image HOST/s390x:latest: it is for linux/s390x, and trace for linux/amd64, linux/arm64"},
		{windows, status(401, `{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}`), "registry HOST denies access to image HOST/windows:latest: log in (docker login), or name an image pull secret"},
		{windows, status(403, `{"errors":[{"code":"DENIED","message":"no"}]}`), "registry HOST denies access to image HOST/windows:latest: log in (docker login), or name an image pull secret"},
		{windows, status(429, `{"errors":[{"code":"TOOMANYREQUESTS","message":"no"}]}`), "registry HOST limits how often it may be asked, and has no more for image HOST/windows:latest: log in, name a mirror, or try again later"},
		{windows, status(500, "<html>\n"+strings.Repeat("oops\n", 1000)), "registry HOST fails for image HOST/windows:latest: "},
		{windows, status(200, strings.Repeat(" ", maxAnswer+1)), "registry HOST answers with more than 8 MiB for image HOST/windows:latest"},
		{windows, status(200, "{"), "image HOST/windows:latest: "},
		{windows, status(200, `{"mediaType":"application/vnd.oci.image.manifest.v1+json"}`), "image HOST/windows:latest: "},
		{gone.host() + "/x", nil, "registry " + gone.host() + " can't be reached: connection refused"},
	} {
		s.before = c.before
		_, err := ask(t, Options{}, c.ref)
		want := strings.ReplaceAll(c.want, "HOST", s.host())
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 600 {
			t.Errorf("%s: %v\nwant %s", c.ref, err, want)
		}
	}
	// This machine may be asked without TLS, so the library hides this error of it.
	private := serve(t, true)
	_, err := http.Get(private.URL)
	ref, _ := name.ParseReference("example.com/x")
	if err = Explain(ref, err); err.Error() != "registry example.com: its certificate is signed by an unknown authority (--ca-file names one to trust)" {
		t.Error(err)
	}
	stuck := serve(t, false)
	release := make(chan struct{})
	stuck.before = func(http.ResponseWriter, *http.Request) bool { <-release; return false }
	_, err = ask(t, Options{Timeout: 50 * time.Millisecond}, stuck.host()+"/x")
	close(release)
	if err == nil || err.Error() != "registry "+stuck.host()+" did not answer in time for image "+stuck.host()+"/x:latest" {
		t.Errorf("stuck: %v", err)
	}
}

// TestAuthority: a private authority is trusted where that is asked for.
func TestAuthority(t *testing.T) {
	s := serve(t, true)
	ref := s.push(t, "x", image(t, "linux/amd64", "/x"))
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ask(t, Options{CAFile: ca}, ref); err != nil || got.String() != `{"*":{"entrypoint":["/x"]}}` {
		t.Errorf("%s, %v", got, err)
	}
	for _, o := range []Options{{CAFile: ca + "x"}, {CAFile: "registry.go"}, {Mirrors: map[string]string{"a b": "x"}}, {Mirrors: map[string]string{"a": "x y"}}} {
		if _, err := New(o); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestMirror: a mirror is asked first, and the registry itself if that fails.
func TestMirror(t *testing.T) {
	origin, mirror := serve(t, false), serve(t, false)
	origin.push(t, "library/app:1", image(t, "linux/amd64", "/origin"))
	o := Options{Mirrors: map[string]string{"docker.io": mirror.host() + "/hub", origin.host(): mirror.host() + "/hub"}}
	got, err := ask(t, o, origin.host()+"/library/app:1")
	if err != nil || got.String() != `{"*":{"entrypoint":["/origin"]}}` {
		t.Errorf("fallen back: %s, %v", got, err)
	}
	mirror.push(t, "hub/library/app:1", image(t, "linux/amd64", "/mirror"))
	for _, ref := range []string{origin.host() + "/library/app:1", "app:1", "docker.io/library/app:1"} {
		if got, err := ask(t, o, ref); err != nil || got.String() != `{"*":{"entrypoint":["/mirror"]}}` {
			t.Errorf("%s: %s, %v", ref, got, err)
		}
	}
	if _, err := ask(t, o, origin.host()+"/other"); err == nil || err.Error() != fmt.Sprintf("registry %s has no image %[1]s/other:latest; its mirror: registry %s has no image %[2]s/hub/other:latest", origin.host(), mirror.host()) {
		t.Error(err)
	}
}

// login is a registry that wants a user's name and password.
func login(t *testing.T, user, password string) *server {
	s := serve(t, false)
	s.before = func(w http.ResponseWriter, r *http.Request) bool {
		if u, p, ok := r.BasicAuth(); ok && u == user && p == password || r.Header.Get("X-Setup") != "" {
			return true
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}`)
		return false
	}
	return s
}

// setup lets the test push without credentials.
type setup struct{}

func (setup) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("X-Setup", "yes")
	return http.DefaultTransport.RoundTrip(r)
}

// dockerConfig is a docker configuration with a login.
func dockerConfig(host, user, password string) string {
	return fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

// TestDockerLogin: the credentials of docker login are used.
func TestDockerLogin(t *testing.T) {
	s := login(t, "me", "secret")
	ref, _ := name.ParseReference(s.host() + "/mine:1")
	if err := remote.Write(ref, image(t, "linux/amd64", "/mine"), remote.WithTransport(setup{})); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, Options{}, ref.String()); err == nil || !strings.Contains(err.Error(), "denies access") {
		t.Errorf("without: %v", err)
	}
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(dockerConfig(s.host(), "me", "secret")), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ask(t, Options{}, ref.String()); err != nil || got.String() != `{"*":{"entrypoint":["/mine"]}}` {
		t.Errorf("%s, %v", got, err)
	}
}

// TestPullSecrets: in a cluster those of the pod and of its service account are, and
// those of other pods are not.
func TestPullSecrets(t *testing.T) {
	s := login(t, "shop", "secret")
	ref, _ := name.ParseReference(s.host() + "/mine:1")
	if err := remote.Write(ref, image(t, "linux/amd64", "/mine"), remote.WithTransport(setup{})); err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/api/v1/namespaces/shop/secrets/pull":
			json.NewEncoder(w).Encode(map[string]any{
				"kind": "Secret", "apiVersion": "v1", "metadata": map[string]string{"name": "pull", "namespace": "shop"},
				"type": "kubernetes.io/dockerconfigjson", "data": map[string][]byte{".dockerconfigjson": []byte(dockerConfig(s.host(), "shop", "secret"))},
			})
		case "/api/v1/namespaces/shop/serviceaccounts/puller":
			io.WriteString(w, `{"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"puller"},"imagePullSecrets":[{"name":"pull"}]}`)
		case "/api/v1/namespaces/locked/secrets/pull":
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","message":"no","code":403}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"not found","code":404}`)
		}
	}))
	defer api.Close()
	cluster, err := kubernetes.NewForConfig(&rest.Config{Host: api.URL})
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Options{Cluster: cluster})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		img inject.Image
		err string
	}{
		{inject.Image{Namespace: "shop", PullSecrets: []string{"pull"}}, ""},
		{inject.Image{Namespace: "shop", ServiceAccount: "puller"}, ""},
		{inject.Image{Namespace: "shop"}, "denies access"},
		{inject.Image{Namespace: "other", PullSecrets: []string{"pull"}}, "denies access"},
		{inject.Image{Namespace: "locked", PullSecrets: []string{"pull"}}, "its pull secrets can't be read: "},
	} {
		c.img.Name = ref.String()
		got, err := r.Entrypoints(context.Background(), c.img)
		if c.err == "" && (err != nil || len(got) != 1) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%+v: %s, %v", c.img, got, err)
		}
	}
}

// TestAskedOnce: what is known is not asked again, by however many.
func TestAskedOnce(t *testing.T) {
	s := serve(t, false)
	ref := s.push(t, "x", image(t, "linux/amd64", "/x"))
	r, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.asked.Store(0)
	results := make(chan inject.Commands)
	for range 20 {
		go func() {
			got, _ := r.Entrypoints(context.Background(), inject.Image{Name: ref})
			results <- got
		}()
	}
	for range 20 {
		if got := <-results; !reflect.DeepEqual(got, inject.Commands{"linux/amd64": {Entrypoint: []string{"/x"}}}) {
			t.Errorf("%v", got)
		}
	}
	if n := s.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Entrypoints(ended, inject.Image{Name: s.host() + "/y"}); err == nil {
		t.Error("an ended context is not heeded")
	}
}

// TestSilent: a registry that does not answer is not asked for each of its images.
func TestSilent(t *testing.T) {
	s := serve(t, false)
	end := make(chan struct{})
	defer close(end)
	var asked atomic.Int32
	s.before = func(_ http.ResponseWriter, r *http.Request) bool {
		asked.Add(1)
		select {
		case <-end:
		case <-r.Context().Done():
		}
		return false
	}
	r, err := New(Options{Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	_, first := r.Entrypoints(context.Background(), inject.Image{Name: s.host() + "/a"})
	n := asked.Load()
	_, second := r.Entrypoints(context.Background(), inject.Image{Name: s.host() + "/b"})
	if first == nil || !strings.Contains(first.Error(), "did not answer in time for image "+s.host()+"/a") ||
		second == nil || !strings.Contains(second.Error(), "was not asked for image "+s.host()+"/b") || n == 0 || asked.Load() != n {
		t.Errorf("%v, then %v; asked %d and %d times", first, second, n, asked.Load())
	}
}
