# One entry point for everything. The same commands run in CI (.ci/run).

FUZZTIME ?= 60s

.PHONY: help
help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-8s %s\n", $$1, $$2}'

.PHONY: build
build: ## build everything, for amd64 and arm64
	go build ./...
	GOARCH=arm64 go build ./...

OUT ?= build
PREFIX ?= /usr/local
VERSION ?= 0.1.0

.PHONY: capi
capi: ## liblpc.so and lpc.h for programs in C, in build (OUT=)
	@mkdir -p $(OUT)
	CGO_ENABLED=1 go build -buildmode=c-shared -ldflags "-s -w -extldflags '-Wl,-soname,liblpc.so -Wl,--version-script=$(CURDIR)/capi/liblpc.map'" -o $(OUT)/liblpc.so ./capi
	@rm -f $(OUT)/liblpc.h
	cp capi/lpc.h $(OUT)/lpc.h

.PHONY: install
install: capi ## puts them into PREFIX (/usr/local), with lpc.pc for pkg-config; DESTDIR before it
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include
	install -m 755 $(OUT)/liblpc.so $(DESTDIR)$(PREFIX)/lib/liblpc.so
	install -m 644 $(OUT)/lpc.h $(DESTDIR)$(PREFIX)/include/lpc.h
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' capi/lpc.pc.in >$(DESTDIR)$(PREFIX)/lib/pkgconfig/lpc.pc

.PHONY: check
check: ## vet and staticcheck
	go vet ./...
	go run honnef.co/go/tools/cmd/staticcheck@v0.7.0 ./...

.PHONY: test
test: ## all tests
	go test ./...

.PHONY: race
race: ## all tests under the race detector
	go test -race ./...

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME
	@set -e; for pkg in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; \
	    out=$$(go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x -parallel 2 $$pkg 2>&1) && continue; \
	    echo "$$out"; \
	    : the fuzzer at times calls the end of its time a failure, and has no input for it; \
	    if echo "$$out" | grep -q 'Failing input' || ! echo "$$out" | grep -q 'context deadline exceeded'; then exit 1; fi; \
	  done; done

.PHONY: long
long: ## a thousand kills, every failpoint, a client that says nothing
	LPC_LONG=1 go test -count=1 -timeout 20m -run 'TestRandomKills|TestKillAtFailpoints|TestSilentClient' ./internal/robust

.PHONY: dumps
dumps: ## every prefix of dumps to 64 KiB, every page, ten thousand corruptions
	LPC_LONG=1 go test -count=1 -timeout 25m -run 'Prefixes|Corruptions' ./ntdump

.PHONY: soak
soak: ## all robustness tests in full: hostile peers for minutes, rates beside them (a quiet machine)
	LPC_LONG=1 go test -count=1 -timeout 30m ./internal/robust

.PHONY: model
model: ## check the models of the wait protocol (needs spin and a C compiler)
	LPC_MODEL=1 go test -count=1 -timeout 20m -v ./internal/model

.PHONY: bench
bench: ## measure, beside a raw Unix socket and net/rpc
	go run ./cmd/lpc bench --against unix,netrpc

.PHONY: docs
docs: ## rewrite generated documentation
	go test ./internal/channel -update
	go test ./kd -update
