package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/registry"
)

// Write puts a bundle somewhere: into a registry, a directory (an OCI layout) or an
// archive, of the kind that the bundle came from. It returns the digest by which it can
// be asked for there. A file is whole or not there at all; of a layout the index comes
// last.
func (b *Bundle) Write(place string, options []remote.Option) (v1.Hash, error) {
	if !IsPath(place) {
		return b.push(place, options)
	}
	info, err := os.Stat(place)
	switch {
	case len(b.saved) > 0:
		return v1.Hash{}, inject.Replace(place, 0o644, func(f *os.File) error { return tarball.MultiRefWrite(b.saved, f) })
	case err == nil && info.IsDir() && !forLayout(place):
		return v1.Hash{}, fmt.Errorf("%s is a directory with something else in it than an OCI layout; an image of that name is called REGISTRY/%s", place, filepath.Base(place))
	case err == nil && info.IsDir(), err != nil && filepath.Ext(place) != ".tar":
		if _, err := layout.Write(place, b.all()); err != nil {
			return v1.Hash{}, fmt.Errorf("write %s: %w", place, err)
		}
	default:
		if err := inject.Replace(place, 0o644, b.archive); err != nil {
			return v1.Hash{}, err
		}
	}
	return b.all().Digest()
}

// forLayout reports whether a directory is an OCI layout, or may become one: it is empty.
func forLayout(dir string) bool {
	if _, err := os.Stat(filepath.Join(dir, "oci-layout")); err == nil {
		return true
	}
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) == 0
}

func (b *Bundle) push(place string, options []remote.Option) (v1.Hash, error) {
	ref, err := name.ParseReference(place)
	if err != nil {
		return v1.Hash{}, fmt.Errorf("%q is neither a file nor the name of an image", place)
	}
	img, idx, err := b.one()
	if err != nil {
		return v1.Hash{}, err
	}
	if idx != nil {
		if err := remote.WriteIndex(ref, idx, options...); err != nil {
			return v1.Hash{}, registry.Explain(ref, err)
		}
		return idx.Digest()
	}
	if err := remote.Write(ref, img, options...); err != nil {
		return v1.Hash{}, registry.Explain(ref, err)
	}
	return img.Digest()
}

// archive writes a layout as an archive.
func (b *Bundle) archive(f *os.File) error {
	dir, err := os.MkdirTemp("", "inject-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if _, err := layout.Write(dir, b.all()); err != nil {
		return err
	}
	t := tar.NewWriter(f)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: filepath.ToSlash(rel), Mode: 0o644, Size: info.Size()}); err != nil {
			return err
		}
		from, err := os.Open(path)
		if err != nil {
			return err
		}
		defer from.Close()
		_, err = io.Copy(t, from)
		return err
	})
	return errors.Join(err, t.Close())
}
