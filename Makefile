# What there is to do here. Everything works from a fresh clone; "make test" as
# root installs what the tests need from Debian's packages.

GO ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
# Without DWARF, but with the symbols: trace looks itself up in them (internal/signals).
LDFLAGS := -w -X main.release=$(VERSION)

.PHONY: all plugin generate check test test-vm test-vm-differential test-vm-stress test-kube test-gvisor conformance-report all-kernels bench clean deps image-programs images

all: bin/trace bin/inject

bin/inject: FORCE
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/inject

bin/trace: FORCE
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/trace

# The images, as OCI archives in out/images, by buildah; other builders take the
# Dockerfiles as they are once "make image-programs" was run.
PLATFORMS ?= linux/amd64 linux/arm64
DEBIAN ?= docker.io/library/debian:13-slim

images: image-programs
	@PLATFORMS='$(PLATFORMS)' images/build trace:latest images/base
	@PLATFORMS='$(PLATFORMS)' images/build trace:debian images/base --build-arg BASE=$(DEBIAN)
	@PLATFORMS='$(PLATFORMS)' images/build inject:latest images/injector

image-programs: $(foreach arch,$(PLATFORMS:linux/%=%),images/base/bin/$(arch)/trace images/injector/bin/$(arch)/inject)

images/base/bin/%/trace: FORCE
	CGO_ENABLED=0 GOARCH=$* $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/trace

images/injector/bin/%/inject: FORCE
	CGO_ENABLED=0 GOARCH=$* $(GO) build -trimpath -ldflags '-s $(LDFLAGS)' -o $@ ./cmd/inject

# The plugin for Falco and sysdig.
plugin: bin/liblanner.so

bin/liblanner.so: FORCE
	CGO_ENABLED=1 $(GO) build -trimpath -buildmode=c-shared -ldflags '$(LDFLAGS)' -o $@ ./cmd/falcoplugin

# Everything that repeats a name of kernel/event/spec, the probe's objects, and the
# manual pages.
generate:
	$(GO) run ./kernel/event/gen
	$(GO) generate ./bpf
	$(GO) run ./cmd/trace man > docs/trace.1
	$(GO) run ./cmd/inject man > docs/inject.1

check:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these files'; exit 1; }
	$(GO) vet ./...
	GOARCH=arm64 $(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) run ./kernel/event/gen -check
	@old=$$(cat bpf/modern_*_bpfel.* | sha256sum); $(GO) generate ./bpf; test "$$old" = "$$(cat bpf/modern_*_bpfel.* | sha256sum)" || { echo 'bpf/ was stale, and is now as generated'; exit 1; }
	$(GO) test ./internal/imports
	@$(GO) run ./cmd/trace man | diff -q - docs/trace.1 >/dev/null || { echo 'docs/trace.1 is stale: run make generate'; exit 1; }
	@$(GO) run ./cmd/inject man | diff -q - docs/inject.1 >/dev/null || { echo 'docs/inject.1 is stale: run make generate'; exit 1; }

# deps installs the packages that tests use, or says which are missing.
deps:
	@sh .ci/deps

# Not from the cache: it knows nothing of programs that tests build and run.
test: deps check
	LANNER_TEST_ALL=1 $(GO) test -count=1 -timeout 15m ./...

# The suites on other kernels, in virtual machines of which two run at a time.
# KERNEL names some of them: 5.10-bullseye, 5.10, 6.1, 6.12, newest, 6.1-arm64, 6.12-arm64.
VM_TEST = mkdir -p out; rm -f out/machines-$@; LANNER_TEST_SUMMARY=$(CURDIR)/out/machines-$@ \
	LANNER_TEST_KERNELS="$(or $(KERNEL),all)" LANNER_TEST_ALL=1 $(GO) test -count=1 -timeout 40m -p 1 -parallel 2
VM_END = ; status=$$?; test ! -e out/machines-$@ || awk "$$VM_SUMMARY" out/machines-$@ | sort -V; exit $$status

# One line for each kernel, of what its machines have said (internal/vmtest/test.go).
export define VM_SUMMARY
{ name[$$1] = $$2; n[$$1]++; pass[$$1] += $$3; fail[$$1] += $$4; skip[$$1] += $$5; most[$$1] = most[$$1] < $$6 ? $$6 : most[$$1] }
END { for (k in n) printf "%-13s Linux %s: %d tests passed, %d failed, %d skipped in %d machines, the longest %d s\n", k, name[k], pass[k], fail[k], skip[k], n[k], most[k] }
endef

test-vm: deps
	$(VM_TEST) -run '^TestKernels' -skip '^TestKernelsStress$$' \
		$(filter-out $(VM_DIFFERENTIAL),$(sort $(dir $(shell grep -rl '^func TestKernels' --include='*_test.go' .)))) $(VM_END)

# All four drivers watch the same runs there, and must agree: some minutes more.
VM_DIFFERENTIAL := ./internal/differential/
test-vm-differential: deps
	$(VM_TEST) -run '^TestKernels' $(VM_DIFFERENTIAL) $(VM_END)

# The module comes and goes a thousand times while stress-ng keeps the kernel busy.
test-vm-stress: deps
	$(VM_TEST) -run '^TestKernelsStress$$' ./kmod $(VM_END)

# The base image under gVisor, which is built once, into the user's cache.
test-gvisor: deps
	LANNER_TEST_GVISOR=1 $(GO) test -count=1 -timeout 40m -run '^TestGVisor' -v ./images

# The injector on a real kube-apiserver, and under kustomize and helm; all are built once,
# into the user's cache.
test-kube:
	LANNER_TEST_KUBE=1 $(GO) test -count=1 -timeout 40m -run '^TestKube' -v ./inject/k8s ./inject/webhook ./cmd/inject

# docs/conformance.md: each event on each driver and kernel, from runs of the suite on all
# kernels: the results of those that did not run are nowhere else. An event that differs
# fails a test, and is a result; a run that is missing ends this.
conformance-report: all-kernels deps
	rm -f out/conformance
	-export LANNER_CONFORMANCE_REPORT=$(CURDIR)/out/conformance; $(VM_TEST) -run '^TestKernels(Modern)?$$' ./ptrace ./bpf ./kmod $(VM_END)
	$(GO) run ./internal/conformance out/conformance > out/conformance.md
	mv out/conformance.md docs/conformance.md

all-kernels:
	@test -z "$(filter-out all,$(KERNEL))" || { echo 'docs/conformance.md has all kernels: run make conformance-report without KERNEL' >&2; exit 1; }

bench: bin/trace
	$(GO) run ./internal/bench -trace bin/trace $(BENCHFLAGS)

clean:
	rm -rf bin out images/*/bin

FORCE:
