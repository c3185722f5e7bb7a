// Package images holds the tests of the container images.
//
// In a nutshell: base/ is the image whose entrypoint is trace, injector/ the one with
// inject, examples/ are applications on the base image; build makes archives of them
// ("make images"). The tests build them with buildah and run them with podman, under
// what containers may not do: as any user, without capabilities, on a read-only root,
// under a profile that knows no ptrace.
package images
