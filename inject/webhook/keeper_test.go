package webhook

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	registration "k8s.io/api/admissionregistration/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
)

func newKeeper(client kubernetes.Interface, now *time.Time) *Keeper {
	return &Keeper{
		Client: client, Namespace: "lanner", Secret: "tls", Service: "hook", Configuration: "lanner",
		Metrics: NewMetrics("v1"), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), now: func() time.Time { return *now },
	}
}

// trusts reports whether a client that knows what was announced trusts a keeper's
// certificate.
func trusts(t *testing.T, client kubernetes.Interface, k *Keeper, now time.Time) bool {
	t.Helper()
	c, err := client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(context.Background(), "lanner", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := k.Certificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Webhooks {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(c.Webhooks[i].ClientConfig.CABundle)
		if _, err := cert.Leaf.Verify(x509.VerifyOptions{DNSName: "hook.lanner.svc", Roots: roots, CurrentTime: now}); err != nil {
			return false
		}
	}
	return true
}

// TestKeeper: replicas share a certificate, renew it in time, and are trusted all the
// while.
func TestKeeper(t *testing.T) {
	client := fake.NewClientset(&registration.MutatingWebhookConfiguration{
		ObjectMeta: meta.ObjectMeta{Name: "lanner"}, Webhooks: []registration.MutatingWebhook{{Name: "a"}, {Name: "b"}},
	})
	now := time.Now()
	one, two := newKeeper(client, &now), newKeeper(client, &now)
	if _, err := one.Certificate(nil); err == nil || one.Ready() {
		t.Error("there is a certificate before the first look")
	}
	sync := func(k *Keeper) []byte {
		t.Helper()
		if err := k.Sync(context.Background()); err != nil {
			t.Fatal(err)
		}
		return k.current.Load().Leaf.Raw
	}
	first := sync(one)
	if string(sync(two)) != string(first) || string(sync(one)) != string(first) {
		t.Error("replicas have different certificates")
	}
	now = now.Add(validity - renewal + time.Hour)
	if string(sync(one)) != string(first) {
		t.Error("the new certificate is used before API servers know of it")
	}
	if !trusts(t, client, one, now) {
		t.Error("the old certificate is not trusted any more, and still used")
	}
	now = now.Add(settle)
	second := sync(one)
	if string(second) == string(first) {
		t.Error("the certificate was not renewed")
	}
	if !trusts(t, client, one, now) || !trusts(t, client, two, now) {
		t.Error("a replica is not trusted between the renewal and its next look")
	}
	if string(sync(two)) != string(second) {
		t.Error("the other replica did not take the new certificate")
	}
	// When the first authority has expired it is not announced any more.
	now = now.Add(validity - renewal + time.Hour)
	sync(one)
	c, _ := client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(context.Background(), "lanner", meta.GetOptions{})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(c.Webhooks[0].ClientConfig.CABundle)
	old, _ := x509.ParseCertificate(first)
	if _, err := old.Verify(x509.VerifyOptions{DNSName: "hook.lanner.svc", Roots: roots, CurrentTime: old.NotAfter.Add(-time.Minute)}); err == nil {
		t.Error("an expired authority is announced still")
	}
	// A secret that someone spoilt is replaced, and one that was deleted: then at once, as
	// nothing vouches for the old certificate.
	s, _ := client.CoreV1().Secrets("lanner").Get(context.Background(), "tls", meta.GetOptions{})
	s.Data["tls.crt"] = []byte("spoilt")
	if _, err := client.CoreV1().Secrets("lanner").Update(context.Background(), s, meta.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	sync(two)
	if !trusts(t, client, two, now) {
		t.Error("the certificate after a spoilt one is not trusted")
	}
	if err := client.CoreV1().Secrets("lanner").Delete(context.Background(), "tls", meta.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	sync(two)
	if !trusts(t, client, two, now) {
		t.Error("the certificate after a deleted one is not trusted")
	}
	// Without a configuration there is nobody to announce to.
	if err := newKeeper(fake.NewClientset(), &now).Sync(context.Background()); err == nil {
		t.Error("nothing was announced, and that is no error")
	}
}

// TestServe: a server with certificates from files, which are renewed while it runs.
func TestServe(t *testing.T) {
	defer func(d time.Duration) { drain = d }(drain)
	drain = time.Second
	now := time.Now()
	h := newHandler()
	dir := t.TempDir()
	files := &Files{Cert: filepath.Join(dir, "crt"), Key: filepath.Join(dir, "key"), Metrics: h.Metrics}
	apiServer, clients := client(t, now)
	write := func(at time.Time) *bundle {
		b, err := newBundle([]string{"localhost"}, nil, now)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string][]byte{files.Cert: b.cert, files.Key: b.key} {
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(name, at, at); err != nil {
				t.Fatal(err)
			}
		}
		return b
	}
	if files.Ready() {
		t.Error("ready without files")
	}
	b := write(now.Add(-time.Hour))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, h, files, clients, nil) }()
	get := func(b *bundle, path string, shown ...tls.Certificate) int {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(b.authorities)
		client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost", Certificates: shown}}}
		answer, err := client.Get("https://" + l.Addr().String() + path)
		if err != nil {
			return 0
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	for _, path := range []string{HealthPath, ReadyPath, MetricsPath} {
		if code := get(b, path); code != http.StatusOK {
			t.Errorf("%s: status %d", path, code)
		}
	}
	if code := get(b, MutatePath); code != http.StatusUnauthorized {
		t.Errorf("%s without a certificate: status %d", MutatePath, code)
	}
	if code := get(b, MutatePath, *apiServer); code != http.StatusMethodNotAllowed {
		t.Errorf("GET %s with a certificate: status %d", MutatePath, code)
	}
	newer := write(now)
	if get(b, HealthPath) != 0 || get(newer, HealthPath) != http.StatusOK {
		t.Error("the new files are not used")
	}
	if err := os.WriteFile(files.Cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if get(newer, HealthPath) != http.StatusOK {
		t.Error("spoilt files are not passed over")
	}
	stop()
	if code := get(newer, ReadyPath); code != http.StatusServiceUnavailable {
		t.Errorf("ready with status %d while it ends", code)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// client makes a client's certificate, and the authorities that vouch for it.
func client(t *testing.T, now time.Time) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := template("the API server", now)
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	c.IsCA, c.BasicConstraintsValid = true, true
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(block("CERTIFICATE", der))
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestRoom: large reviews wait for each other, and small ones for large ones.
func TestRoom(t *testing.T) {
	called, end := make(chan int64), make(chan struct{})
	h := admitted(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called <- r.ContentLength
		<-end
	}), false)
	post := func(ctx context.Context, size int64) <-chan int {
		code := make(chan int, 1)
		r := httptest.NewRequest(http.MethodPost, MutatePath, http.NoBody).WithContext(ctx)
		r.ContentLength = size
		go func() {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			code <- w.Code
		}()
		return code
	}
	ctx := context.Background()
	var all []<-chan int
	for range inHand / least {
		all = append(all, post(ctx, 1))
		<-called
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if code := <-post(short, 1); code != http.StatusServiceUnavailable {
		t.Errorf("one more than there is room for: status %d", code)
	}
	large := post(ctx, -1) // of unknown size
	close(end)
	if size := <-called; size != -1 {
		t.Errorf("called for %d bytes", size)
	}
	for _, code := range append(all, large) {
		if c := <-code; c != http.StatusOK {
			t.Errorf("status %d", c)
		}
	}
}
