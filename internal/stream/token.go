package stream

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/flynn/noise"
)

// A Token is a secret that both ends of a connection know. It is never sent: it is
// the key of a Noise handshake (NNpsk0 with Curve25519, AES-GCM and SHA-256,
// noiseprotocol.org), after which everything is encrypted with keys that only this
// connection has.
//
// Messages have a length of 2 bytes, most significant first, in front.
type Token struct{ key []byte }

// minToken and maxToken bound the bytes of a token.
const (
	minToken = 16
	maxToken = 4096
)

// ReadToken reads a token from a file: its bytes without white space around them.
// A file that others may read is refused.
func ReadToken(name string) (*Token, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("token file %s: everybody may read it (mode %04o); chmod 600 it", name, st.Mode().Perm())
	}
	b, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return nil, err
	}
	t, err := NewToken(b)
	if err != nil {
		return nil, fmt.Errorf("token file %s: %w", name, err)
	}
	return t, nil
}

// NewToken makes a token of bytes.
func NewToken(b []byte) (*Token, error) {
	b = bytes.TrimSpace(b)
	if len(b) < minToken || len(b) > maxToken {
		return nil, fmt.Errorf("a token has %d to %d bytes, not %d", minToken, maxToken, len(b))
	}
	key := sha256.Sum256(b)
	return &Token{key[:]}, nil
}

// Errors of the handshake.
var (
	errWrongToken = errors.New("the other end has another token, or none")
	errNoToken    = errors.New("the other end wants a token: --token-file FILE")
)

// maxMessage is the length of the longest message that Noise has, and maxPlain that
// of what is in it.
const (
	maxMessage = 65535
	tagSize    = 16
	maxPlain   = maxMessage - tagSize
)

func (t *Token) handshake(initiator bool) (*noise.HandshakeState, error) {
	return noise.NewHandshakeState(noise.Config{
		CipherSuite: noise.NewCipherSuite(noise.DH25519, noise.CipherAESGCM, noise.HashSHA256),
		Pattern:     noise.HandshakeNN, Initiator: initiator, PresharedKey: t.key, Prologue: []byte("lanner stream 1"),
	})
}

// initiate proves the token as the end that connected.
func (t *Token) initiate(conn net.Conn) (net.Conn, error) {
	hs, err := t.handshake(true)
	if err != nil {
		return nil, err
	}
	first, _, _, err := hs.WriteMessage(nil, nil)
	if err != nil {
		return nil, err
	}
	if err := writeMessage(conn, first); err != nil {
		return nil, err
	}
	answer, err := readMessage(conn, maxHello)
	if err != nil {
		return nil, errWrongToken // it closes the connection without a word
	}
	_, out, in, err := hs.ReadMessage(nil, answer)
	if err != nil {
		return nil, errWrongToken
	}
	return &secureConn{Conn: conn, in: in, out: out}, nil
}

// maxHello bounds the messages of the handshake: 32 bytes of key and a tag.
const maxHello = 32 + tagSize

// respond proves the token as the end that listens.
func (t *Token) respond(conn net.Conn) (net.Conn, error) {
	hs, err := t.handshake(false)
	if err != nil {
		return nil, err
	}
	first, err := readMessage(conn, maxHello)
	if err != nil {
		return nil, err
	}
	if _, _, _, err := hs.ReadMessage(nil, first); err != nil {
		return nil, errWrongToken
	}
	answer, in, out, err := hs.WriteMessage(nil, nil)
	if err != nil {
		return nil, err
	}
	if err := writeMessage(conn, answer); err != nil {
		return nil, err
	}
	return &secureConn{Conn: conn, in: in, out: out}, nil
}

func writeMessage(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err
}

func readMessage(r io.Reader, limit int) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if n > limit {
		return nil, errWrongToken
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

// A secureConn encrypts what goes over a connection.
type secureConn struct {
	net.Conn
	in, out *noise.CipherState
	sealed  []byte // a message to send
	opened  []byte // what has been received and not been read yet
	buf     []byte // of a message received
}

// Write reports as written only what went out in whole messages.
func (c *secureConn) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		part := p[:min(len(p), maxPlain)]
		c.sealed = append(c.sealed[:0], 0, 0)
		if c.sealed, err = c.out.Encrypt(c.sealed, nil, part); err != nil {
			return n, err
		}
		binary.BigEndian.PutUint16(c.sealed, uint16(len(c.sealed)-2))
		if _, err := c.Conn.Write(c.sealed); err != nil {
			return n, err
		}
		n, p = n+len(part), p[len(part):]
	}
	return n, nil
}

// CloseWrite ends what is sent.
func (c *secureConn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

func (c *secureConn) Read(p []byte) (int, error) {
	for len(c.opened) == 0 {
		var size [2]byte
		if _, err := io.ReadFull(c.Conn, size[:]); err != nil {
			return 0, err
		}
		n := int(binary.BigEndian.Uint16(size[:]))
		if n < tagSize {
			return 0, errors.New("an encrypted message is too short")
		}
		if cap(c.buf) < n {
			c.buf = make([]byte, maxMessage)
		}
		c.buf = c.buf[:n]
		if _, err := io.ReadFull(c.Conn, c.buf); err != nil {
			return 0, err
		}
		var err error
		if c.opened, err = c.in.Decrypt(c.buf[:0], nil, c.buf); err != nil {
			return 0, errors.New("an encrypted message was changed on its way")
		}
	}
	n := copy(p, c.opened)
	c.opened = c.opened[n:]
	return n, nil
}
