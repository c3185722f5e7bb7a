package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lannerhq/lanner/inject"
)

// program is the file that is looked for at the root of the trace image.
const program = "trace"

// maxProgram is more than the program will ever have, bytes.
const maxProgram = 64 << 20

// Programs are the programs of a trace image, one for each platform.
type Programs struct {
	name   string
	images map[string]v1.Image // by os/arch
	read   map[string][]byte
}

// NewPrograms finds the programs in what Open returned for a trace image.
func NewPrograms(b *Bundle) (*Programs, error) {
	p := &Programs{name: b.Name, images: map[string]v1.Image{}, read: map[string][]byte{}}
	err := b.each(func(img v1.Image) error {
		file, err := img.ConfigFile()
		if err == nil && file.OS != "" {
			p.images[file.OS+"/"+file.Architecture] = img
		}
		return err
	})
	return p, err
}

// program returns the program for a platform. A Skip says that there is none.
func (p *Programs) program(platform v1.Platform) ([]byte, error) {
	key := platform.OS + "/" + platform.Architecture
	if text, ok := p.read[key]; ok {
		return text, nil
	}
	img, ok := p.images[key]
	if !ok {
		var have []string
		for k := range p.images {
			have = append(have, k)
		}
		slices.Sort(have)
		return nil, inject.Skip(fmt.Sprintf("the trace image %s is for %s only", p.name, strings.Join(have, ", ")))
	}
	files := mutate.Extract(img)
	defer files.Close()
	for t := tar.NewReader(files); ; {
		h, err := t.Next()
		switch {
		case err == io.EOF:
			return nil, fmt.Errorf("the trace image %s has no /%s for %s", p.name, program, key)
		case err != nil:
			return nil, fmt.Errorf("trace image %s: %w", p.name, err)
		case path.Clean("/"+h.Name) != "/"+program || h.Typeflag != tar.TypeReg:
			continue
		case h.Size > maxProgram:
			return nil, fmt.Errorf("trace image %s: /%s has %d bytes, which is too much", p.name, program, h.Size)
		}
		text, err := io.ReadAll(t)
		if err != nil {
			return nil, fmt.Errorf("trace image %s: %w", p.name, err)
		}
		if !bytes.HasPrefix(text, []byte("\x7fELF")) {
			return nil, fmt.Errorf("trace image %s: /%s is not a program", p.name, program)
		}
		p.read[key] = text
		return text, nil
	}
}

// layer makes the layer that brings DIR/trace. It depends on nothing but the program
// and DIR.
func (p *Programs) layer(platform v1.Platform, dir string, manifest types.MediaType) (v1.Layer, error) {
	text, err := p.program(platform)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	name := strings.TrimPrefix(dir, "/")
	for i, c := range name + "/" {
		if c == '/' {
			err = errors.Join(err, t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name[:i] + "/", Mode: 0o755}))
		}
	}
	err = errors.Join(err, t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name + "/" + program, Mode: 0o755, Size: int64(len(text))}))
	_, werr := t.Write(text)
	if err = errors.Join(err, werr, t.Close()); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b.Bytes())), nil
	}, tarball.WithMediaType(layerType(manifest)), tarball.WithCompressedCaching)
}
