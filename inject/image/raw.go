package image

import (
	"bytes"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// A rawImage is an image of texts and layers.
type rawImage struct {
	manifest, config []byte
	mediaType        types.MediaType
	layers           []v1.Layer
}

var _ v1.Image = (*rawImage)(nil)

func (i *rawImage) Layers() ([]v1.Layer, error)         { return i.layers, nil }
func (i *rawImage) MediaType() (types.MediaType, error) { return i.mediaType, nil }
func (i *rawImage) Size() (int64, error)                { return int64(len(i.manifest)), nil }
func (i *rawImage) Digest() (v1.Hash, error)            { return partial.Digest(i) }
func (i *rawImage) RawManifest() ([]byte, error)        { return i.manifest, nil }
func (i *rawImage) Manifest() (*v1.Manifest, error) {
	return v1.ParseManifest(bytes.NewReader(i.manifest))
}
func (i *rawImage) RawConfigFile() ([]byte, error)      { return i.config, nil }
func (i *rawImage) ConfigFile() (*v1.ConfigFile, error) { return partial.ConfigFile(i) }
func (i *rawImage) ConfigName() (v1.Hash, error)        { return partial.ConfigName(i) }
func (i *rawImage) LayerByDiffID(h v1.Hash) (v1.Layer, error) {
	return i.layer(h, v1.Layer.DiffID)
}

func (i *rawImage) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	if name, err := i.ConfigName(); err == nil && name == h {
		return partial.ConfigLayer(i)
	}
	return i.layer(h, v1.Layer.Digest)
}

func (i *rawImage) layer(h v1.Hash, hash func(v1.Layer) (v1.Hash, error)) (v1.Layer, error) {
	for _, l := range i.layers {
		if got, err := hash(l); err != nil {
			return nil, err
		} else if got == h {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no layer %s", h)
}

// A rawIndex is an index of a text, some of whose images were replaced.
type rawIndex struct {
	base     v1.ImageIndex // what was not replaced
	manifest []byte
	images   map[v1.Hash]v1.Image
	indexes  map[v1.Hash]v1.ImageIndex
}

var _ v1.ImageIndex = (*rawIndex)(nil)

func (x *rawIndex) MediaType() (types.MediaType, error) { return x.base.MediaType() }

func (x *rawIndex) Digest() (v1.Hash, error)     { return partial.Digest(x) }
func (x *rawIndex) Size() (int64, error)         { return int64(len(x.manifest)), nil }
func (x *rawIndex) RawManifest() ([]byte, error) { return x.manifest, nil }

func (x *rawIndex) IndexManifest() (*v1.IndexManifest, error) {
	return v1.ParseIndexManifest(bytes.NewReader(x.manifest))
}

func (x *rawIndex) Image(h v1.Hash) (v1.Image, error) {
	if img, ok := x.images[h]; ok {
		return img, nil
	}
	return x.base.Image(h)
}

func (x *rawIndex) ImageIndex(h v1.Hash) (v1.ImageIndex, error) {
	if idx, ok := x.indexes[h]; ok {
		return idx, nil
	}
	return x.base.ImageIndex(h)
}

// Blob returns what is neither an image nor an index.
func (x *rawIndex) Blob(h v1.Hash) (io.ReadCloser, error) {
	if b, ok := x.base.(interface {
		Blob(v1.Hash) (io.ReadCloser, error)
	}); ok {
		return b.Blob(h)
	}
	return nil, fmt.Errorf("no blob %s", h)
}
