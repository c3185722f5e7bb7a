package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/lannerhq/lanner/inject/registry"
)

// A Bundle is what a place holds: an image, or an index, or what docker save wrote.
type Bundle struct {
	Name  string
	image v1.Image
	index v1.ImageIndex
	saved map[name.Reference]v1.Image
	whole bool   // index is all that a layout has, not one index in it
	temp  string // a directory to be removed
}

// IsPath reports whether a name means a file or a directory, and not an image of a
// registry.
func IsPath(s string) bool {
	if strings.HasPrefix(s, "/") || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") || strings.HasSuffix(s, ".tar") || s == "." {
		return true
	}
	_, err := os.Stat(s)
	return err == nil
}

// Open reads an image. A directory is an OCI layout, a file an archive of one or what
// docker save wrote; all else is asked of a registry, with options.
func Open(place string, options []remote.Option) (*Bundle, error) {
	if !IsPath(place) {
		return openRemote(place, options)
	}
	info, err := os.Stat(place)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return openLayout(place, place)
	}
	return openArchive(place)
}

func openRemote(place string, options []remote.Option) (*Bundle, error) {
	ref, err := name.ParseReference(place)
	if err != nil {
		return nil, fmt.Errorf("%q is neither a file nor the name of an image", place)
	}
	d, err := remote.Get(ref, options...)
	if err != nil {
		return nil, registry.Explain(ref, err)
	}
	b := &Bundle{Name: place}
	if d.MediaType.IsIndex() {
		b.index, err = d.ImageIndex()
	} else {
		b.image, err = d.Image()
	}
	if err != nil {
		return nil, registry.Explain(ref, err)
	}
	return b, nil
}

func openLayout(place, dir string) (*Bundle, error) {
	l, err := layout.FromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: not an OCI layout: it has no index.json", place)
	}
	b := &Bundle{Name: place, whole: true}
	if b.index, err = l.ImageIndex(); err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	if _, err := b.index.IndexManifest(); err != nil {
		return nil, fmt.Errorf("%s: its index.json can't be read: %w", place, err)
	}
	return b, nil
}

func openArchive(place string) (*Bundle, error) {
	open := func() (io.ReadCloser, error) { return os.Open(place) }
	if m, err := tarball.LoadManifest(open); err == nil {
		return openSaved(place, open, m)
	}
	dir, err := os.MkdirTemp("", "inject-")
	if err != nil {
		return nil, err
	}
	b := &Bundle{}
	if err = unpack(place, dir); err == nil {
		b, err = openLayout(place, dir)
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	b.temp = dir
	return b, nil
}

// openSaved reads what docker save wrote.
func openSaved(place string, open tarball.Opener, m tarball.Manifest) (*Bundle, error) {
	b := &Bundle{Name: place, saved: map[name.Reference]v1.Image{}}
	for _, d := range m {
		if len(d.RepoTags) == 0 && len(m) > 1 {
			return nil, fmt.Errorf("%s: one of its images has no name", place)
		}
		if len(d.RepoTags) == 0 {
			img, err := tarball.Image(open, nil)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", place, err)
			}
			b.image = img
			return b, nil
		}
		for _, t := range d.RepoTags {
			tag, err := name.NewTag(t)
			if err != nil {
				return nil, fmt.Errorf("%s: %q is not the name of an image", place, t)
			}
			if b.saved[tag], err = tarball.Image(open, &tag); err != nil {
				return nil, fmt.Errorf("%s: %w", place, err)
			}
		}
	}
	if len(b.saved) == 0 {
		return nil, fmt.Errorf("%s: no image in it", place)
	}
	return b, nil
}

// unpack writes the files of an archive below a directory.
func unpack(place, dir string) error {
	f, err := os.Open(place)
	if err != nil {
		return err
	}
	defer f.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	files := 0
	for t := tar.NewReader(f); ; {
		h, err := t.Next()
		switch {
		case err == io.EOF && files > 0:
			return nil
		case err == io.EOF || errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("%s: not an archive of an image", place)
		case err != nil:
			return fmt.Errorf("%s: %w", place, err)
		case h.Typeflag != tar.TypeReg:
			continue
		}
		if err := root.MkdirAll(filepath.Dir(filepath.Clean(h.Name)), 0o700); err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
		to, err := root.Create(filepath.Clean(h.Name))
		if err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
		_, err = io.Copy(to, t)
		if err = errors.Join(err, to.Close()); err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
		files++
	}
}

// Close frees what Open took.
func (b *Bundle) Close() error {
	if b.temp == "" {
		return nil
	}
	return os.RemoveAll(b.temp)
}

// Rewrite returns a bundle with the images rewritten. It may be used until b is closed.
func (w *Rewriter) Rewrite(b *Bundle) (*Bundle, error) {
	out := &Bundle{Name: b.Name, whole: b.whole}
	var err error
	switch {
	case b.index != nil:
		out.index, err = w.index(b.Name, b.index)
	case b.image != nil:
		out.image, err = w.rewrite(b.Name, b.image)
	default:
		out.saved = map[name.Reference]v1.Image{}
		for ref, img := range b.saved {
			if out.saved[ref], err = w.rewrite(b.Name+" "+ref.String(), img); err != nil {
				break
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name, err)
	}
	return out, nil
}

// each calls f for each image that is not an attestation.
func (b *Bundle) each(f func(v1.Image) error) error {
	for _, img := range b.saved {
		if err := f(img); err != nil {
			return err
		}
	}
	if b.image != nil {
		return f(b.image)
	}
	if b.index != nil {
		return eachOf(b.index, f)
	}
	return nil
}

func eachOf(idx v1.ImageIndex, f func(v1.Image) error) error {
	manifest, err := idx.IndexManifest()
	if err != nil {
		return err
	}
	for _, d := range manifest.Manifests {
		switch {
		case d.Annotations[attests] != "":
		case d.MediaType.IsIndex():
			nested, err := idx.ImageIndex(d.Digest)
			if err != nil {
				return err
			}
			if err := eachOf(nested, f); err != nil {
				return err
			}
		case d.MediaType.IsImage():
			img, err := idx.Image(d.Digest)
			if err != nil {
				return err
			}
			if err := f(img); err != nil {
				return err
			}
		}
	}
	return nil
}

// one returns what a registry can hold under one name: an image or an index.
func (b *Bundle) one() (v1.Image, v1.ImageIndex, error) {
	switch {
	case len(b.saved) == 1:
		for _, img := range b.saved {
			return img, nil, nil
		}
	case b.image != nil || b.index != nil && !b.whole:
		return b.image, b.index, nil
	case b.index != nil:
		manifest, err := b.index.IndexManifest()
		if err != nil {
			return nil, nil, err
		}
		if len(manifest.Manifests) == 1 {
			d := manifest.Manifests[0]
			if d.MediaType.IsIndex() {
				idx, err := b.index.ImageIndex(d.Digest)
				return nil, idx, err
			}
			img, err := b.index.Image(d.Digest)
			return img, nil, err
		}
	}
	return nil, nil, fmt.Errorf("%s has several images, and a registry takes one for a name", b.Name)
}

// all returns what a layout holds.
func (b *Bundle) all() v1.ImageIndex {
	switch {
	case b.whole:
		return b.index
	case b.index != nil:
		return mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: b.index})
	}
	return mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: b.image})
}
