// Package image puts trace into container images.
//
// In a nutshell: Open reads an image, or an index of images for several platforms,
// from a registry, an OCI layout or an archive (store.go); a Rewriter gives each image
// whose platform trace is made for one more layer, with the program, and an entrypoint
// that starts with it (this file, index.go, layer.go); Write puts the result somewhere.
// Configurations and manifests are edited as text, so that what is not ours stays as it
// is (raw.go), and an image from which trace was taken again has the digest it had.
package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"go.yaml.in/yaml/v4"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// A Rewriter puts trace into images, or takes it out.
type Rewriter struct {
	Options  inject.Options
	Programs *Programs // nil if trace is to be taken out
	Remove   bool

	Results []inject.Result // what became of each image
	Changes []Change        // of those that changed
}

// A Change is an image's configuration before and after, indented, and its new digest.
type Change struct {
	Platform, Before, After string
	Digest                  v1.Hash
}

// createdBy marks our entry in an image's history.
const createdBy = "inject image"

// nullEntrypoint tells, in that entry, how the image said that it has no entrypoint.
const nullEntrypoint = "Entrypoint was null"

// rewrite returns an image with trace, or without. name is for Results.
func (w *Rewriter) rewrite(name string, img v1.Image) (v1.Image, error) {
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	platform := v1.Platform{OS: file.OS, Architecture: file.Architecture, Variant: file.Variant}
	out, action, err := w.one(img, file, platform)
	var skip inject.Skip
	switch {
	case errors.As(err, &skip):
		w.Results = append(w.Results, inject.Result{Workload: name, Container: platform.String(), Action: inject.Skipped, Reason: string(skip)})
		return img, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", platform, err)
	}
	w.Results = append(w.Results, inject.Result{Workload: name, Container: platform.String(), Action: action})
	before, err := img.RawConfigFile()
	if err != nil {
		return nil, err
	}
	after, err := out.RawConfigFile()
	if err != nil {
		return nil, err
	}
	if bytes.Equal(before, after) {
		return img, nil // as it was, its trace too
	}
	digest, err := out.Digest()
	if err != nil {
		return nil, err
	}
	w.Changes = append(w.Changes, Change{platform.String(), indented(before), indented(after), digest})
	return out, nil
}

func indented(text []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, bytes.TrimSpace(text), "", "  ") != nil {
		return string(text)
	}
	return b.String() + "\n"
}

const noCommand = inject.Skip("it has no command")

// one rewrites one image: what is in it of ours is taken out, and put in anew if it is
// another.
func (w *Rewriter) one(img v1.Image, file *v1.ConfigFile, platform v1.Platform) (v1.Image, inject.Action, error) {
	wrapped := inject.Wrapped(file.Config.Entrypoint, w.Options.Dir)
	switch {
	case w.Remove && !wrapped:
		return nil, "", inject.Skip("it does not start with trace")
	case !w.Remove && !wrapped && startsTrace(file.Config.Entrypoint):
		return nil, "", inject.Skip("it starts with a trace of its own")
	case !w.Remove && !wrapped && len(file.Config.Entrypoint)+len(file.Config.Cmd) == 0:
		return nil, "", noCommand
	}
	if w.Remove {
		e, err := edit(img)
		if err != nil {
			return nil, "", err
		}
		if err := w.remove(e); err != nil {
			return nil, "", err
		}
		out, err := e.image()
		return out, inject.Removed, err
	}
	mediaType, err := img.MediaType()
	if err != nil {
		return nil, "", err
	}
	layer, err := w.Programs.layer(platform, w.Options.Dir, mediaType)
	if err != nil {
		return nil, "", err
	}
	if wrapped {
		if done, err := w.done(file, layer); err != nil || done {
			return img, inject.Injected, err
		}
	}
	e, err := edit(img)
	if err != nil {
		return nil, "", err
	}
	if wrapped { // with another trace, or other options
		if err := w.remove(e); err != nil {
			return nil, "", err
		}
	}
	if err := w.add(e, layer); err != nil {
		return nil, "", err
	}
	out, err := e.image()
	return out, inject.Injected, err
}

// done reports whether a wrapped image has this layer and these options already.
func (w *Rewriter) done(file *v1.ConfigFile, layer v1.Layer) (bool, error) {
	diff, err := layer.DiffID()
	if err != nil {
		return false, err
	}
	was := inject.Unwrap(file.Config.Entrypoint)
	if len(was)+len(file.Config.Cmd) == 0 {
		return false, noCommand
	}
	to, err := w.wrap(was, file.Config.Cmd)
	return slices.Contains(file.RootFS.DiffIDs, diff) && slices.Equal(to, file.Config.Entrypoint), err
}

// wrap returns the entrypoint with trace before it. The empty one is one, not that of
// another image.
func (w *Rewriter) wrap(entrypoint, args []string) ([]string, error) {
	return w.Options.Wrap(context.Background(), inject.Start{Entrypoint: append([]string{}, entrypoint...), Args: args}, inject.Image{})
}

// startsTrace reports whether an entrypoint is that of the base image, or of an image
// that was rewritten with another directory.
func startsTrace(entrypoint []string) bool {
	return len(entrypoint) > 1 && path.Base(entrypoint[0]) == program && slices.Contains(entrypoint, "--")
}

// add appends the layer and puts trace before the entrypoint.
func (w *Rewriter) add(e *editor, layer v1.Layer) error {
	config := document.Edit(e.config, "config")
	if config == nil {
		config = document.Map()
		document.Set(e.config, "config", config, "os", "architecture")
	}
	was := document.Get(config, "Entrypoint")
	entrypoint, ok := document.Strings(was)
	null := isNull(config, "Entrypoint")
	if was != nil && !null && !ok {
		return errors.New("its entrypoint is not a list of words")
	}
	args, _ := document.Strings(document.Get(config, "Cmd"))
	to, err := w.wrap(entrypoint, args)
	if err != nil {
		return err
	}
	document.Set(config, "Entrypoint", document.List(false, to...))
	entry := []string{"created_by", createdBy + ": " + path.Join(w.Options.Dir, program)}
	if null {
		entry = append(entry, "comment", nullEntrypoint)
	}
	return e.appendLayer(layer, entry)
}

// remove takes our layer out and gives the entrypoint back.
func (w *Rewriter) remove(e *editor) error {
	config := document.Edit(e.config, "config")
	entrypoint, _ := document.Strings(document.Get(config, "Entrypoint"))
	comment, err := e.dropLayer(w.Options.Dir)
	if err != nil {
		return err
	}
	switch was := inject.Unwrap(entrypoint); {
	case len(was) > 0:
		document.Set(config, "Entrypoint", document.List(false, was...))
	case comment == nullEntrypoint:
		document.Set(config, "Entrypoint", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"})
	default:
		document.Remove(config, "Entrypoint")
	}
	return nil
}

// layerType is the media type of a layer in a manifest of some type.
func layerType(manifest types.MediaType) types.MediaType {
	if manifest == types.DockerManifestSchema2 {
		return types.DockerLayer
	}
	return types.OCILayer
}
