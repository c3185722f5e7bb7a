package image

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/lannerhq/lanner/inject"
	"github.com/lannerhq/lanner/inject/document"
)

// attests marks, in a descriptor, what tells of another image (BuildKit,
// docs/attestations/attestation-storage.md).
const attests = "vnd.docker.reference.type"

// index rewrites the images of an index, and those of indexes in it.
func (w *Rewriter) index(name string, idx v1.ImageIndex) (v1.ImageIndex, error) {
	manifest, err := idx.IndexManifest()
	if err != nil {
		return nil, err
	}
	raw, err := idx.RawManifest()
	if err != nil {
		return nil, err
	}
	doc, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("its index: %w", err)
	}
	out := &rawIndex{base: idx, images: map[v1.Hash]v1.Image{}, indexes: map[v1.Hash]v1.ImageIndex{}}
	for i, d := range manifest.Manifests {
		child := name
		if ref := d.Annotations["org.opencontainers.image.ref.name"]; ref != "" {
			child = name + " " + ref
		}
		var digest v1.Hash
		var size int64
		switch {
		case d.Annotations[attests] != "":
			w.Results = append(w.Results, inject.Result{Workload: child, Container: d.Digest.String(), Action: inject.Skipped, Reason: "it runs nothing: it tells of another image"})
			continue
		case d.MediaType.IsImage():
			img, err := idx.Image(d.Digest)
			if err != nil {
				return nil, err
			}
			img, err = w.rewrite(child, img)
			if err != nil {
				return nil, err
			}
			if digest, size, err = identity(img); err != nil {
				return nil, err
			}
			out.images[digest] = img
		case d.MediaType.IsIndex():
			nested, err := idx.ImageIndex(d.Digest)
			if err != nil {
				return nil, err
			}
			nested, err = w.index(child, nested)
			if err != nil {
				return nil, err
			}
			if digest, size, err = identity(nested); err != nil {
				return nil, err
			}
			out.indexes[digest] = nested
		default:
			w.Results = append(w.Results, inject.Result{Workload: child, Container: d.Digest.String(), Action: inject.Skipped, Reason: "it is not an image: " + string(d.MediaType)})
			continue
		}
		if digest != d.Digest {
			at := document.EditItems(list(doc.Root, "manifests"))[i]
			document.Set(at, "digest", document.String(digest.String()))
			document.Set(at, "size", number(size))
			document.Remove(at, "data")
		}
	}
	if out.manifest, err = text(doc, raw); err != nil {
		return nil, err
	}
	return out, nil
}

// identity returns the digest and the size of a manifest.
func identity(m interface {
	Digest() (v1.Hash, error)
	Size() (int64, error)
}) (v1.Hash, int64, error) {
	digest, err := m.Digest()
	if err != nil {
		return v1.Hash{}, 0, err
	}
	size, err := m.Size()
	return digest, size, err
}
