package webhook

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// Files is a certificate that others renew, in PEM files; a mounted Secret, for
// example.
type Files struct {
	Cert, Key string
	Metrics   *Metrics

	mu      sync.Mutex
	changed time.Time // when Cert was, as of current
	current *tls.Certificate
}

// Certificate reads the files again when they have changed. While what is there can't
// be read, perhaps because it is only half replaced, the one before is used.
func (f *Files) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.Cert)
	if err == nil && (f.current == nil || !info.ModTime().Equal(f.changed)) {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(f.Cert, f.Key); err == nil {
			f.current, f.changed = &pair, info.ModTime()
			f.Metrics.expiry.Set(float64(pair.Leaf.NotAfter.Unix()))
		}
	}
	if f.current != nil {
		return f.current, nil
	}
	return nil, err
}

// Ready reports whether there is a certificate.
func (f *Files) Ready() bool {
	_, err := f.Certificate(nil)
	return err == nil
}
