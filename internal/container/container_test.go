package container

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lannerhq/lanner/internal/snapshot"
	"github.com/lannerhq/lanner/kernel/event"
)

const (
	hex64   = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	other   = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
	fargate = "cd189a933e5849daa93386466019ab50-2495160603"
)

// TestFind: ids as engines write them into cgroups.
func TestFind(t *testing.T) {
	for text, want := range map[string]string{
		"0::/\n": "",
		"12:memory:/docker/" + hex64 + "\n0::/init\n":                                                                        hex64,
		"0::/system.slice/docker-" + hex64 + ".scope\n":                                                                      hex64,
		"0::/kubepods.slice/kubepods-podd4.slice/cri-containerd-" + hex64 + ".scope\n":                                       hex64,
		"0::/machine.slice/libpod-" + hex64 + ".scope/container\n":                                                           hex64,
		"1:cpu:/ecs/cd189a933e5849daa93386466019ab50/" + fargate + "\n":                                                      fargate,
		"0::/docker/" + other + "/docker/" + hex64 + "\n":                                                                    hex64,
		"0::/user.slice/user-1000.slice\n":                                                                                   "",
		"0::/x/" + hex64 + "0\n":                                                                                             "",
		"1:name=systemd:/\n0::/../../kubepods/besteffort/pod0a1b2c3d-0000-0000-0000-000000000000/" + strings.Repeat("a", 64): strings.Repeat("a", 64),
	} {
		if got := fromCgroup(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"36 35 254:1 /var/lib/docker/containers/" + hex64 + "/hostname /etc/hostname rw - ext4 /dev/vda1 rw\n":                                                                                                                    hex64,
		"36 35 0:22 /run/vfs-containers/" + hex64 + "/userdata/.containerenv /run/.containerenv rw - tmpfs x rw\n36 35 0:22 /containers/storage/overlay-containers/" + hex64 + "/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw\n": hex64,
		"36 35 254:1 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/" + hex64 + "/hostname /etc/hostname rw - ext4 x rw\n":                                                                                               "",
		"36 35 254:1 /var/lib/docker/containers/" + hex64 + "/hostname /mnt rw - ext4 /dev/vda1 rw\nshort\n36 35 254:1 / /etc/x rw - ext4 /dev/x rw\n":                                                                            "",
	} {
		if got := fromMountinfo(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestECS: the answer of a server like the agent, and of those that are none.
func TestECS(t *testing.T) {
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v4/task-1" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"DockerId":%q,"Name":"app","Labels":{"x":"y"}}`, fargate)
	}))
	defer agent.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if id, err := fromECS(ctx, agent.URL+"/v4/task-1"); id != fargate || err != nil {
		t.Errorf("%q, %v", id, err)
	}
	for _, uri := range []string{agent.URL + "/v4/none", "https://x/", "x", "http://", ""} {
		if id, err := fromECS(ctx, uri); err == nil {
			t.Errorf("%q: %q", uri, id)
		}
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if id, err := fromECS(soon, "http://"+silent.Addr().String()+"/"); err == nil {
		t.Errorf("a silent agent says %q", id)
	}
}

func FuzzECS(f *testing.F) {
	f.Add([]byte("HTTP/1.0 200 OK\r\n\r\n{\"DockerId\":\"" + hex64 + "\"}"))
	f.Add([]byte("HTTP/1.1 404 Not Found\r\n\r\n"))
	f.Add([]byte("HTTP/1.0 200 OK\r\n\r\n{\"DockerId\":\"a/../b\"}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if id, err := parseECS(b); err == nil && !Valid(id) {
			t.Errorf("%q", id)
		}
	})
}

// one is a source of a single event.
type one struct{ b []byte }

func (o *one) ReadInto(ev *event.Event) error {
	if o.b == nil {
		return io.EOF
	}
	_, err := ev.Parse(o.b)
	ev.CPU, ev.Flags = 3, event.StateOnly
	o.b = nil
	return err
}

// TestLabel: cgroups get the id where they have none, and nothing else changes.
func TestLabel(t *testing.T) {
	row := event.ExecveX.Row()
	for cgroups, want := range map[string]string{
		"cpu=/\x00memory=/a/\x00":       "cpu=/" + hex64 + "\x00memory=/a/" + hex64 + "\x00",
		"cpu=/docker/" + other + "\x00": "cpu=/docker/" + other + "\x00",
		"cpu=/docker/" + hex64 + "\x00": "cpu=/docker/" + hex64 + "\x00",
		"":                              "",
	} {
		var b event.Builder
		b.Begin(event.ExecveX, 5, 6, len(row.Params))
		for i := range row.Params {
			if row.Params[i].Name == "cgroups" {
				b.PutBytes([]byte(cgroups))
			} else {
				b.PutBytes([]byte{byte(i), 0})
			}
		}
		var ev event.Event
		if err := Source(&one{b.End()}, hex64).ReadInto(&ev); err != nil {
			t.Fatal(err)
		}
		if ev.TS() != 5 || ev.TID() != 6 || ev.CPU != 3 || ev.Flags != event.StateOnly || ev.NumParams() != len(row.Params) {
			t.Errorf("%+v", ev)
		}
		for i := range row.Params {
			is := string([]byte{byte(i), 0})
			if row.Params[i].Name == "cgroups" {
				is = want
			}
			if string(ev.Param(i)) != is {
				t.Errorf("%s is %q, want %q", row.Params[i].Name, ev.Param(i), is)
			}
		}
	}
	snap := &snapshot.State{Threads: []snapshot.Thread{{Cgroups: []string{"cpu=/", "io=/x"}}, {Cgroups: []string{"cpu=/docker/" + other}}, {}}}
	Snapshot(snap, hex64)
	if got := strings.Join(snap.Threads[0].Cgroups, " "); got != "cpu=/"+hex64+" io=/x/"+hex64 {
		t.Error(got)
	}
	if got := snap.Threads[1].Cgroups[0]; got != "cpu=/docker/"+other {
		t.Error(got)
	}
}
