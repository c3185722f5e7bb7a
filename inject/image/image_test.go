package image

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	images "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lannerhq/lanner/inject"
)

// made makes an image of a configuration's text, in which LAYERS is a list for as many
// layers.
func made(t testing.TB, config string, layers int, manifest types.MediaType) v1.Image {
	t.Helper()
	img := &rawImage{mediaType: manifest}
	var ids []string
	list := []map[string]any{}
	for range layers {
		l, err := random.Layer(100, layerType(manifest))
		if err != nil {
			t.Fatal(err)
		}
		diff, _ := l.DiffID()
		digest, _ := l.Digest()
		size, _ := l.Size()
		ids = append(ids, fmt.Sprintf("%q", diff))
		list = append(list, map[string]any{"mediaType": layerType(manifest), "digest": digest, "size": size})
		img.layers = append(img.layers, l)
	}
	img.config = []byte(strings.ReplaceAll(config, "LAYERS", "["+strings.Join(ids, ",")+"]"))
	digest, size, err := v1.SHA256(bytes.NewReader(img.config))
	if err != nil {
		t.Fatal(err)
	}
	img.manifest, err = json.MarshalIndent(map[string]any{
		"schemaVersion": 2, "mediaType": manifest, "layers": list, "annotations": map[string]string{"a": "b & c"},
		"config": map[string]any{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": size},
	}, "", "   ")
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// programs are stand-ins, one for each platform.
func programs() *Programs {
	return &Programs{name: "trace", read: map[string][]byte{"linux/amd64": []byte("\x7fELF amd64"), "linux/arm64": []byte("\x7fELF arm64")}}
}

func rewriter(remove bool) *Rewriter {
	return &Rewriter{
		Options:  inject.Options{Dir: "/opt/lanner", TraceImage: "trace", Trace: []string{"-e", "execve"}},
		Programs: programs(), Remove: remove,
	}
}

// rewritten rewrites one image.
func rewritten(t *testing.T, img v1.Image, remove bool) (v1.Image, inject.Result) {
	t.Helper()
	w := rewriter(remove)
	out, err := w.rewrite("image", img)
	if err != nil {
		t.Fatal(err)
	}
	return out, w.Results[0]
}

func digestOf(t *testing.T, m interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	d, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// TestRewrite: what images start then, that twice is once, and that taking trace out
// gives the image back, byte for byte.
func TestRewrite(t *testing.T) {
	const head = `{"architecture":"amd64","os":"linux","config":`
	const tail = `,"rootfs":{"type":"layers","diff_ids":LAYERS},"x-unknown":{"b":1.50,"a":null}`
	for name, c := range map[string]struct {
		config     string
		layers     int
		entrypoint string
		history    bool
	}{
		"entrypoint":     {head + `{"Entrypoint":["/app","-x"],"Cmd":["y"]}` + tail + `,"history":[{"created_by":"a"}]}`, 1, "/app -x", true},
		"command":        {head + `{"Cmd":["/bin/sh","-c","a && b"],"Env":["A=<&>"]}` + tail + `,"history":[{"created_by":"a"},{"empty_layer":true},{"created_by":"b"}]}`, 2, "", true},
		"Go's escapes":   {head + `{"Cmd":["/bin/sh","-c","a \u0026\u0026 b \u003c"]}` + tail + `,"history":[{"created_by":"a"}]}`, 1, "", true},
		"null":           {head + `{"Entrypoint":null,"Cmd":["a"]}` + tail + `,"history":[{"created_by":"a"}]}`, 1, "", true},
		"null, unknown":  {head + `{"Entrypoint":null,"Cmd":["a"]}` + tail + `}`, 1, "", false},
		"no history":     {head + `{"Cmd":["a"]}` + tail + `}`, 3, "", false},
		"laid out":       {"{\n  \"architecture\": \"arm64\",\n  \"os\": \"linux\",\n  \"config\": {\n    \"Cmd\": [\n      \"a\"\n    ]\n  },\n  \"rootfs\": {\n    \"type\": \"layers\",\n    \"diff_ids\": []\n  }\n}\n", 0, "", false},
		"with a variant": {`{"architecture":"arm64","variant":"v8","os":"linux","config":{"Cmd":["a"]},"rootfs":{"type":"layers","diff_ids":LAYERS}}`, 1, "", false},
	} {
		for _, manifest := range []types.MediaType{types.OCIManifestSchema1, types.DockerManifestSchema2} {
			t.Run(name+"/"+string(manifest), func(t *testing.T) {
				img := made(t, c.config, c.layers, manifest)
				out, result := rewritten(t, img, false)
				if result.Action != inject.Injected {
					t.Fatalf("%+v", result)
				}
				file, err := out.ConfigFile()
				if err != nil {
					t.Fatal(err)
				}
				was, _ := img.ConfigFile()
				want := strings.Fields("/opt/lanner/trace -e execve -- " + c.entrypoint)
				if !slices.Equal(file.Config.Entrypoint, want) || !slices.Equal(file.Config.Cmd, was.Config.Cmd) {
					t.Errorf("entrypoint %q, command %q", file.Config.Entrypoint, file.Config.Cmd)
				}
				if n := len(file.RootFS.DiffIDs); n != c.layers+1 || c.history != (len(file.History) > 0) {
					t.Errorf("%d layers, %d entries of history", n, len(file.History))
				}
				consistent(t, out)
				brings(t, out, string(programs().read["linux/"+file.Architecture]))
				if again, _ := rewritten(t, out, false); digestOf(t, again) != digestOf(t, out) {
					t.Error("twice is not once")
				}
				other := rewriter(false)
				other.Options.Trace = []string{"-a"}
				changed, err := other.rewrite("image", out)
				if err != nil {
					t.Fatal(err)
				}
				consistent(t, changed)
				if c2, _ := changed.ConfigFile(); len(c2.RootFS.DiffIDs) != c.layers+1 || c2.Config.Entrypoint[1] != "-a" {
					t.Errorf("with other options: %+v", c2)
				}
				back, result := rewritten(t, out, true)
				text, _ := back.RawConfigFile()
				before, _ := img.RawConfigFile()
				if digestOf(t, back) != digestOf(t, img) && name != "null, unknown" || result.Action != inject.Removed {
					t.Errorf("%+v\n%s\nnot\n%s", result, text, before)
				}
				// What was built on it keeps its own layers.
				on, err := mutate.Append(out, mutate.Addendum{Layer: img.(*rawImage).top(t, manifest), History: v1.History{CreatedBy: "later"}})
				if err != nil {
					t.Fatal(err)
				}
				if c.history {
					later, _ := rewritten(t, on, true)
					consistent(t, later)
					if n, _ := later.Layers(); len(n) != c.layers+1 {
						t.Errorf("%d layers, of %d and one later", len(n), c.layers)
					}
				}
			})
		}
	}
}

// top is another layer.
func (i *rawImage) top(t *testing.T, manifest types.MediaType) v1.Layer {
	l, err := random.Layer(10, layerType(manifest))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// consistent holds an image's texts against each other and against its layers.
func consistent(t *testing.T, img v1.Image) {
	t.Helper()
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config, _ := img.RawConfigFile()
	if digest, size, _ := v1.SHA256(bytes.NewReader(config)); m.Config.Digest != digest || m.Config.Size != size {
		t.Error("the manifest has another configuration")
	}
	layers, _ := img.Layers()
	if len(layers) != len(m.Layers) || len(layers) != len(file.RootFS.DiffIDs) {
		t.Fatalf("%d layers, %d in the manifest, %d in the configuration", len(layers), len(m.Layers), len(file.RootFS.DiffIDs))
	}
	for i, l := range layers {
		digest, _ := l.Digest()
		diff, _ := l.DiffID()
		size, _ := l.Size()
		if m.Layers[i].Digest != digest || m.Layers[i].Size != size || file.RootFS.DiffIDs[i] != diff {
			t.Errorf("layer %d is another", i)
		}
	}
}

// brings wants DIR/trace in an image, for all users.
func brings(t *testing.T, img v1.Image, text string) {
	t.Helper()
	layers, _ := img.Layers()
	last := layers[len(layers)-1]
	if only, err := onlyProgram(last, "/opt/lanner"); !only || err != nil {
		t.Fatalf("the last layer has not trace alone: %v", err)
	}
	r, err := last.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if err != nil || !bytes.Contains(all, []byte(text)) || !bytes.Contains(all, []byte("0000755\x00")) {
		t.Errorf("%q, %v", all, err)
	}
}

// TestSkip: images that stay as they are, and why.
func TestSkip(t *testing.T) {
	const tail = `,"rootfs":{"type":"layers","diff_ids":LAYERS}}`
	for config, want := range map[string]string{
		`{"architecture":"amd64","os":"linux","config":{}` + tail:                                         "it has no command",
		`{"architecture":"amd64","os":"linux"` + tail:                                                     "it has no command",
		`{"architecture":"amd64","os":"linux","config":{"Entrypoint":["/trace","--"],"Cmd":["x"]}` + tail: "it starts with a trace of its own",
		`{"architecture":"s390x","os":"linux","config":{"Cmd":["x"]}` + tail:                              "the trace image trace is for  only",
		`{"architecture":"amd64","os":"windows","config":{"Cmd":["x"]}` + tail:                            "the trace image trace is for  only",
	} {
		img := made(t, config, 1, types.OCIManifestSchema1)
		if out, got := rewritten(t, img, false); got.Action != inject.Skipped || got.Reason != want || digestOf(t, out) != digestOf(t, img) {
			t.Errorf("%s: %+v", config, got)
		}
		if out, got := rewritten(t, img, true); got.Reason != "it does not start with trace" || digestOf(t, out) != digestOf(t, img) {
			t.Errorf("%s: %+v", config, got)
		}
	}
	for config, want := range map[string]string{
		`{"architecture":"amd64","os":"linux","config":{"Cmd":["x"]},"rootfs":{"diff_ids":[]}}`:                      "the same layers",
		`{"architecture":"amd64","os":"linux","config":{"Entrypoint":["/opt/lanner/trace","--"],"Cmd":["x"]}` + tail: "not made by inject image",
	} {
		if _, err := rewriter(false).rewrite("image", made(t, config, 1, types.OCIManifestSchema1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", config, err)
		}
	}
}

// index is one of several platforms, with what images have besides.
func index(t *testing.T) v1.ImageIndex {
	t.Helper()
	idx := v1.ImageIndex(mutate.IndexMediaType(empty.Index, types.OCIImageIndex))
	for _, arch := range []string{"amd64", "arm64", "s390x"} {
		img := made(t, `{"architecture":"`+arch+`","os":"linux","config":{"Cmd":["/`+arch+`"]},"rootfs":{"type":"layers","diff_ids":LAYERS},"history":[{"created_by":"a"}]}`, 1, types.OCIManifestSchema1)
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	attestation := made(t, `{"architecture":"unknown","os":"unknown","config":{},"rootfs":{"type":"layers","diff_ids":LAYERS}}`, 1, types.OCIManifestSchema1)
	return mutate.AppendManifests(idx, mutate.IndexAddendum{Add: attestation, Descriptor: v1.Descriptor{
		Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}, Annotations: map[string]string{attests: "attestation-manifest"},
	}})
}

// server is a registry, and the options to speak to it.
func server(t *testing.T) (string, []remote.Option) {
	s := httptest.NewServer(images.New(images.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String(), nil
}

// TestPlaces: an index goes from a registry to a layout, an archive and a registry
// again, each time rewritten, and back.
func TestPlaces(t *testing.T) {
	host, options := server(t)
	dir := t.TempDir()
	ref, _ := name.ParseReference(host + "/app:1")
	original := index(t)
	if err := remote.WriteIndex(ref, original, options...); err != nil {
		t.Fatal(err)
	}
	copyTo := func(from, to string, remove bool) *Rewriter {
		t.Helper()
		b, err := Open(from, options)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		w := rewriter(remove)
		out, err := w.Rewrite(b)
		if err != nil {
			t.Fatal(err)
		}
		if digest, err := out.Write(to, options); err != nil || digest.Hex == "" {
			t.Fatal(digest, err)
		}
		return w
	}
	w := copyTo(ref.String(), filepath.Join(dir, "layout"), false)
	var got []string
	for _, r := range w.Results {
		got = append(got, r.Container+" "+string(r.Action))
	}
	if want := []string{"linux/amd64 wrapped", "linux/arm64 wrapped", "linux/s390x skipped"}; !slices.Equal(got[:3], want) || len(got) != 4 || len(w.Changes) != 2 {
		t.Errorf("%q, %d changes", got, len(w.Changes))
	}
	for _, step := range [][2]string{
		{filepath.Join(dir, "layout"), filepath.Join(dir, "archive.tar")},
		{filepath.Join(dir, "archive.tar"), filepath.Join(dir, "archive.tar")},
		{filepath.Join(dir, "archive.tar"), filepath.Join(dir, "layout")},
		{filepath.Join(dir, "layout"), host + "/app:2"},
	} {
		if w := copyTo(step[0], step[1], false); len(w.Changes) != 0 {
			t.Errorf("from %s: %d changes", step[0], len(w.Changes))
		}
	}
	pushed, _ := name.ParseReference(host + "/app:2")
	for _, arch := range []string{"amd64", "arm64"} {
		img, err := remote.Image(pushed, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
		if err != nil {
			t.Fatal(err)
		}
		consistent(t, img)
		brings(t, img, "\x7fELF "+arch)
		if file, _ := img.ConfigFile(); file.Config.Entrypoint[0] != "/opt/lanner/trace" || file.Config.Cmd[0] != "/"+arch {
			t.Errorf("%s: %+v", arch, file.Config)
		}
	}
	copyTo(host+"/app:2", host+"/app:3", true)
	back, _ := name.ParseReference(host + "/app:3")
	d, err := remote.Get(back)
	if err != nil || d.Digest.String() != digestOf(t, original) {
		t.Errorf("%v, %v, not %s", d, err, digestOf(t, original))
	}
	// The programs come from an image as well.
	if left, _ := filepath.Glob(filepath.Join(dir, ".inject-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestSaved: what docker save wrote, names kept.
func TestSaved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "saved.tar")
	one, _ := name.NewTag("example.com/one:1")
	two, _ := name.NewTag("example.com/two:2")
	img := func(cmd string) v1.Image {
		return made(t, `{"architecture":"amd64","os":"linux","config":{"Cmd":["`+cmd+`"]},"rootfs":{"type":"layers","diff_ids":LAYERS},"history":[{"created_by":"a"}]}`, 1, types.DockerManifestSchema2)
	}
	if err := tarball.MultiWriteToFile(file, map[name.Tag]v1.Image{one: img("/one"), two: img("/two")}); err != nil {
		t.Fatal(err)
	}
	b, err := Open(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := rewriter(false)
	out, err := w.Rewrite(b)
	if err != nil || len(w.Changes) != 2 {
		t.Fatal(err, len(w.Changes))
	}
	if _, err := out.Write(file, nil); err != nil {
		t.Fatal(err)
	}
	for tag, cmd := range map[name.Tag]string{one: "/one", two: "/two"} {
		got, err := tarball.ImageFromPath(file, &tag)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := got.ConfigFile(); err != nil || c.Config.Entrypoint[0] != "/opt/lanner/trace" || c.Config.Cmd[0] != cmd {
			t.Errorf("%s: %+v, %v", tag, c, err)
		}
	}
	if _, err := out.Write("example.com/x", nil); err == nil || !strings.Contains(err.Error(), "has several images") {
		t.Error(err)
	}
}

// TestPrograms: the programs are those of an image, and a bad one is refused.
func TestPrograms(t *testing.T) {
	p := programs()
	layer, err := p.layer(v1.Platform{OS: "linux", Architecture: "arm64"}, "/x", types.OCIManifestSchema1)
	if err != nil {
		t.Fatal(err)
	}
	img := made(t, `{"architecture":"arm64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":LAYERS}}`, 0, types.OCIManifestSchema1)
	img, err = mutate.AppendLayers(img, layer)
	if err != nil {
		t.Fatal(err)
	}
	without, err := NewPrograms(&Bundle{Name: "none", image: img})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := without.program(v1.Platform{OS: "linux", Architecture: "arm64"}); err == nil || err.Error() != "the trace image none has no /trace for linux/arm64" {
		t.Error(err)
	}
	if _, err := without.program(v1.Platform{OS: "linux", Architecture: "amd64"}); err == nil || err.Error() != "the trace image none is for linux/arm64 only" {
		t.Error(err)
	}
}

// TestMistakes: what is no image is refused in one line, and nothing is written.
func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	host, options := server(t)
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	empty := filepath.Join(dir, "empty")
	os.Mkdir(empty, 0o755)
	for place, want := range map[string]string{
		write("text.tar", "no archive"):  "not an archive of an image",
		write("nothing.tar", ""):         "not an archive of an image",
		empty:                            "not an OCI layout",
		filepath.Join(dir, "absent.tar"): "no such file",
		"Not A Name":                     "neither a file nor the name of an image",
		host + "/absent":                 "registry " + host + " has no image",
	} {
		if _, err := Open(place, options); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %s", place, err, want)
		}
	}
	b := &Bundle{Name: "x", image: made(t, `{"architecture":"amd64","os":"linux","config":{"Cmd":["x"]},"rootfs":{"type":"layers","diff_ids":LAYERS}}`, 1, types.OCIManifestSchema1)}
	nowhere := filepath.Join(dir, "no", "such.tar")
	if _, err := b.Write(nowhere, nil); err == nil || err.Error() != "write "+nowhere+": no such file or directory" {
		t.Errorf("written into no directory: %v", err)
	}
	// A directory of that name that is something else, perhaps a program's sources.
	if _, err := b.Write(dir, nil); err == nil || !strings.Contains(err.Error(), "something else in it") {
		t.Errorf("written among other files: %v", err)
	}
	if _, err := b.Write(empty, nil); err != nil {
		t.Errorf("not written into an empty directory: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".inject-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// FuzzConfig: whatever a configuration says, it is rewritten or refused, and what was
// put in can be taken out.
func FuzzConfig(f *testing.F) {
	const head = `{"architecture":"amd64","os":"linux",`
	f.Add(head + `"config":{"Cmd":["a"]},"rootfs":{"diff_ids":[]}}`)
	f.Add(head + `"config":{"Entrypoint":null,"Cmd":["a"]},"rootfs":{"diff_ids":[]},"history":[{"created_by":"\u0026"}]}`)
	f.Add(head + `"config":{"Entrypoint":["/opt/lanner/trace","--"]},"rootfs":{"diff_ids":[]},"history":[{"created_by":"inject image: x"}]}`)
	f.Add(head + `"config":{"Cmd":["a"]},"rootfs":{"diff_ids":[]},"history":[]}`)
	f.Add(head + `"config":[],"rootfs":1}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, config string) {
		img := made(t, config, 0, types.OCIManifestSchema1)
		w := rewriter(false)
		out, err := w.rewrite("image", img)
		if err != nil || w.Results[0].Action == inject.Skipped {
			return
		}
		text, _ := out.RawConfigFile()
		if !json.Valid(text) {
			t.Fatalf("not JSON: %s", text)
		}
		back := rewriter(true)
		if _, err := back.rewrite("image", out); err != nil || back.Results[0].Action != inject.Removed {
			t.Fatalf("%v, %+v\n%s", err, back.Results, text)
		}
	})
}
