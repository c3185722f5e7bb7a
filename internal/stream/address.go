package stream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An Address is where tracers and listeners meet.
type Address struct {
	network string // "unix" or "tcp"
	addr    string
}

func (a Address) String() string { return a.network + ":" + a.addr }

// IsAddress reports whether s is meant for an address: "unix:..." or "tcp:...".
func IsAddress(s string) bool {
	return strings.HasPrefix(s, "unix:") || strings.HasPrefix(s, "tcp:")
}

// maxUnixPath is the length of the longest path of a socket: sun_path has room for
// a NUL besides (unix(7)).
const maxUnixPath = 107

// ParseAddress reads "unix:PATH" or "tcp:HOST:PORT".
func ParseAddress(s string) (Address, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		switch {
		case path == "":
			return Address{}, fmt.Errorf("%s: a path is missing: unix:PATH", s)
		case len(path) > maxUnixPath:
			return Address{}, fmt.Errorf("%s: the path of a socket may have %d bytes at most", s, maxUnixPath)
		case path[0] == '@':
			return Address{}, fmt.Errorf("%s: abstract sockets have no permissions; give a path", s)
		}
		return Address{"unix", path}, nil
	}
	addr, ok := strings.CutPrefix(s, "tcp:")
	if !ok {
		return Address{}, fmt.Errorf("%s: not an address: unix:PATH or tcp:HOST:PORT", s)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return Address{}, fmt.Errorf("%s: not an address: tcp:HOST:PORT, as tcp:127.0.0.1:7070 or tcp:[::1]:7070", s)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return Address{}, fmt.Errorf("%s: no port is called %s", s, port)
	}
	return Address{"tcp", net.JoinHostPort(host, port)}, nil
}

// local reports whether only this machine is reached: a Unix socket or loopback.
func (a Address) local() bool {
	if a.network == "unix" {
		return true
	}
	host, _, _ := net.SplitHostPort(a.addr)
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// ErrToken is the refusal of an address beyond this machine without a token.
var ErrToken = errors.New("beyond loopback a stream takes a token that both ends know: --token-file FILE")

func (a Address) check(token *Token) error {
	if token == nil && !a.local() {
		return fmt.Errorf("%s: %w", a, ErrToken)
	}
	return nil
}

// Times of connections.
const (
	dialTime = 5 * time.Second
	// keepAlive finds peers that vanished: after 30 s of silence and then three
	// probes without an answer, 10 s apart.
	keepAliveIdle, keepAliveInterval, keepAliveCount = 30 * time.Second, 10 * time.Second, 3
)

func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount}
}

// dial connects, and proves the token if there is one.
func (a Address) dial(ctx context.Context, token *Token) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTime, KeepAliveConfig: keepAlive()}
	conn, err := d.DialContext(ctx, a.network, a.addr)
	if err != nil || token == nil {
		return conn, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(dialTime))
	secure, err := token.initiate(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return secure, conn.SetDeadline(time.Time{})
}

// listen listens. A Unix socket has the given mode from the first moment; one that a
// dead listener left behind is replaced.
func (a Address) listen(mode fs.FileMode) (net.Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: keepAlive()}
	if a.network == "tcp" {
		l, err := lc.Listen(context.Background(), a.network, a.addr)
		return l, plain(a, err)
	}
	if err := a.clear(); err != nil {
		return nil, err
	}
	// bind gives the path the mode of the socket's own inode, less the umask
	// (net/unix/af_unix.c:unix_bind_bsd).
	lc.Control = func(_, _ string, c syscall.RawConn) error {
		var err error
		if cerr := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), uint32(mode.Perm())) }); cerr != nil {
			return cerr
		}
		return err
	}
	l, err := lc.Listen(context.Background(), a.network, a.addr)
	if err != nil {
		return nil, plain(a, err)
	}
	if err := os.Chmod(a.addr, mode.Perm()); err != nil { // what the umask took
		l.Close()
		return nil, plain(a, err)
	}
	return l, nil
}

// clear removes a socket on which nobody listens.
func (a Address) clear() error {
	st, err := os.Lstat(a.addr)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return plain(a, err)
	case st.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s: the file is there and is no socket", a)
	}
	conn, err := net.DialTimeout("unix", a.addr, dialTime)
	if err == nil {
		conn.Close()
		return fmt.Errorf("%s: somebody listens there already", a)
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return plain(a, err)
	}
	return plain(a, os.Remove(a.addr))
}

// plain words an error of a socket: the address, the reason.
func plain(a Address, err error) error {
	var errno unix.Errno
	switch {
	case err == nil:
		return nil
	case errors.As(err, &errno):
		return fmt.Errorf("%s: %w", a, errno)
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("%s: %s", a, e.Err)
	}
	return fmt.Errorf("%s: %w", a, err)
}
