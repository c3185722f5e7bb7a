package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject/document"
)

// An editor holds an image's two texts while they are changed.
type editor struct {
	mediaType             types.MediaType // of the manifest
	layers                []v1.Layer
	config, manifest      *yaml.Node
	configDoc, manifDoc   *document.Document
	configText, manifText []byte
}

func edit(img v1.Image) (e *editor, err error) {
	e = &editor{}
	if e.mediaType, err = img.MediaType(); err != nil {
		return nil, err
	}
	if e.layers, err = img.Layers(); err != nil {
		return nil, err
	}
	e.layers = slices.Clone(e.layers)
	if e.configText, err = img.RawConfigFile(); err != nil {
		return nil, err
	}
	if e.manifText, err = img.RawManifest(); err != nil {
		return nil, err
	}
	if e.configDoc, err = parse(e.configText); err != nil {
		return nil, fmt.Errorf("its configuration: %w", err)
	}
	if e.manifDoc, err = parse(e.manifText); err != nil {
		return nil, fmt.Errorf("its manifest: %w", err)
	}
	e.config, e.manifest = e.configDoc.Root, e.manifDoc.Root
	if n := len(document.Items(document.Walk(e.config, "rootfs", "diff_ids"))); n != len(e.layers) || n != len(document.Items(document.Get(e.manifest, "layers"))) {
		return nil, errors.New("its configuration and its manifest don't have the same layers")
	}
	return e, nil
}

// parse reads a JSON object.
func parse(text []byte) (*document.Document, error) {
	docs, err := document.Parse(text)
	if err != nil {
		return nil, err
	}
	if len(docs) != 1 || docs[0].Root == nil || docs[0].Root.Kind != yaml.MappingNode || !json.Valid(text) {
		return nil, errors.New("not a JSON object")
	}
	return docs[0], nil
}

// text is an edited document, its characters written as they were before: Go writes
// those of HTML as escapes, other programs don't.
func text(d *document.Document, before []byte) ([]byte, error) {
	s, err := d.Text()
	if err != nil || !d.Changed() {
		return before, err
	}
	for _, escape := range []string{`\u0026`, `\u003c`, `\u003e`} {
		if bytes.Contains(before, []byte(escape)) {
			var b bytes.Buffer
			json.HTMLEscape(&b, []byte(s))
			return b.Bytes(), nil
		}
	}
	return []byte(s), nil
}

// image is the result.
func (e *editor) image() (v1.Image, error) {
	config, err := text(e.configDoc, e.configText)
	if err != nil {
		return nil, err
	}
	digest, size, err := v1.SHA256(bytes.NewReader(config))
	if err != nil {
		return nil, err
	}
	at := document.Edit(e.manifest, "config")
	if at == nil {
		return nil, errors.New("its manifest has no config")
	}
	document.Set(at, "digest", document.String(digest.String()))
	document.Set(at, "size", number(size))
	document.Remove(at, "data")
	manifest, err := text(e.manifDoc, e.manifText)
	if err != nil {
		return nil, err
	}
	return &rawImage{manifest: manifest, config: config, mediaType: e.mediaType, layers: e.layers}, nil
}

func number(n int64) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: fmt.Sprint(n)}
}

// object is a JSON object of strings, keys and values by turns.
func object(fields ...string) *yaml.Node {
	m := document.Map()
	for i := 0; i < len(fields); i += 2 {
		document.Set(m, fields[i], document.String(fields[i+1]))
	}
	return m
}

// isNull reports whether an object has a key with null.
func isNull(m *yaml.Node, key string) bool {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1].Tag == "!!null"
		}
	}
	return false
}

// list returns the list under a path of keys, to be changed; nil if there is none.
func list(m *yaml.Node, keys ...string) *yaml.Node {
	for _, k := range keys {
		if m = document.Edit(m, k); m == nil {
			return nil
		}
	}
	if m.Kind != yaml.SequenceNode {
		return nil
	}
	return m
}

// appendLayer adds a layer, and an entry of the history if there is one.
func (e *editor) appendLayer(layer v1.Layer, entry []string) error {
	digest, err := layer.Digest()
	if err != nil {
		return err
	}
	diff, err := layer.DiffID()
	if err != nil {
		return err
	}
	size, err := layer.Size()
	if err != nil {
		return err
	}
	ids, layers := list(e.config, "rootfs", "diff_ids"), list(e.manifest, "layers")
	if ids == nil || layers == nil {
		return errors.New("it has no list of layers")
	}
	ids.Content = append(ids.Content, document.String(diff.String()))
	d := object("mediaType", string(layerType(e.mediaType)))
	document.Set(d, "size", number(size))
	document.Set(d, "digest", document.String(digest.String()))
	layers.Content = append(layers.Content, d)
	if history := list(e.config, "history"); history != nil && len(history.Content) > 0 {
		history.Content = append(history.Content, object(entry...))
	}
	e.layers = append(e.layers, layer)
	return nil
}

// dropLayer takes our layer out, and returns the comment of its entry in the history.
// Without a history it is the last layer, if that has nothing but trace in it.
func (e *editor) dropLayer(dir string) (comment string, err error) {
	at := -1
	if history := list(e.config, "history"); history != nil {
		// From the end: images are known whose history lacks what came first.
		layer := len(e.layers)
		for i, h := range slices.Backward(history.Content) {
			if document.Text(h, "empty_layer") != "true" {
				layer--
			}
			if strings.HasPrefix(document.Text(h, "created_by"), createdBy+": ") {
				at, comment = layer, document.Text(h, "comment")
				history.Content = slices.Delete(slices.Clone(history.Content), i, i+1)
				break
			}
		}
	}
	if n := len(e.layers); at < 0 && n > 0 {
		ours, err := onlyProgram(e.layers[n-1], dir)
		if err != nil {
			return "", err
		}
		if ours {
			at = n - 1
		}
	}
	if at < 0 || at >= len(e.layers) {
		return "", errors.New("it starts with trace, but the layer that brings it was not made by inject image")
	}
	ids, layers := list(e.config, "rootfs", "diff_ids"), list(e.manifest, "layers")
	ids.Content = slices.Delete(slices.Clone(ids.Content), at, at+1)
	layers.Content = slices.Delete(slices.Clone(layers.Content), at, at+1)
	e.layers = slices.Delete(e.layers, at, at+1)
	return comment, nil
}

// onlyProgram reports whether a layer holds DIR/trace and directories above it alone.
func onlyProgram(layer v1.Layer, dir string) (bool, error) {
	r, err := layer.Uncompressed()
	if err != nil {
		return false, err
	}
	defer r.Close()
	found := false
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		switch {
		case err == io.EOF:
			return found, nil
		case err != nil:
			return false, err
		case h.Typeflag == tar.TypeDir:
		case path.Clean("/"+h.Name) == path.Join(dir, program):
			found = true
		default:
			return false, nil
		}
	}
}
