package webhook

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// How long certificates are valid, and when there is a new one.
const (
	validity = 90 * 24 * time.Hour
	renewal  = 30 * 24 * time.Hour // before the end
	skew     = time.Hour           // by which clocks may differ
)

// A bundle is a certificate with those that make clients trust it. Its authority is new
// with it and has no key any more, so nothing else can be signed by it.
type bundle struct {
	authorities []byte // PEM, the one of cert first; older ones follow, until they expire
	cert, key   []byte // PEM
}

// newBundle makes a certificate for a server's names. Authorities of the bundle before
// it, whose certificate may be in use somewhere, are kept.
func newBundle(names []string, before []byte, now time.Time) (*bundle, error) {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	authority := template("lanner webhook authority", now)
	authority.IsCA, authority.BasicConstraintsValid, authority.MaxPathLenZero = true, true, true
	authority.KeyUsage = x509.KeyUsageCertSign
	server := template(names[0], now)
	server.DNSNames = names
	server.KeyUsage = x509.KeyUsageDigitalSignature
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}

	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	if err != nil {
		return nil, err
	}
	parent, err := x509.ParseCertificate(authorityDER)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, server, parent, &key.PublicKey, authorityKey)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &bundle{
		authorities: append(block("CERTIFICATE", authorityDER), valid(before, now)...),
		cert:        block("CERTIFICATE", der),
		key:         block("PRIVATE KEY", keyDER),
	}, nil
}

func template(name string, now time.Time) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		serial = big.NewInt(now.UnixNano())
	}
	return &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-skew), NotAfter: now.Add(validity)}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// valid returns those certificates of a PEM text that have not expired.
func valid(text []byte, now time.Time) []byte {
	var out bytes.Buffer
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			return out.Bytes()
		}
		if c, err := x509.ParseCertificate(b.Bytes); err == nil && now.Before(c.NotAfter) {
			out.Write(block(b.Type, b.Bytes))
		}
	}
}

// pair is the bundle's certificate for a server.
func (b *bundle) pair() (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(b.cert, b.key)
	return &pair, err
}

// check returns why a bundle can't be used by a server of those names, or has to be
// renewed; nil if it is good.
func (b *bundle) check(names []string, now time.Time) error {
	pair, err := b.pair()
	if err != nil {
		return err
	}
	if err := b.vouches(pair.Leaf, names, now); err != nil {
		return err
	}
	if left := pair.Leaf.NotAfter.Sub(now); left < renewal {
		return fmt.Errorf("it expires in %s", left.Round(time.Hour))
	}
	return nil
}

// vouches returns why clients that trust the bundle's authorities do not take a
// certificate for that of a server of those names; nil if they do.
func (b *bundle) vouches(c *x509.Certificate, names []string, now time.Time) error {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(b.authorities) {
		return errors.New("there is no authority")
	}
	for _, name := range names {
		if _, err := c.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: now}); err != nil {
			return err
		}
	}
	return nil
}
