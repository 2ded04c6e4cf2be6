# make help     what there is
# make demo     three PostgreSQL servers behind one DSN
#               (ONCE=1: end after the tour; PEERS=3: three proxies that agree by Raft)
# make test     everything, on real servers, with the race detector

GO       ?= go
ENGINE   ?= postgres
PEERS    ?= 1
FUZZTIME ?= 10s
# Packages tested at once: each may run several database servers.
TEST_P   ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n < 4 ? n : 4)))
BENCH    ?= .

.DEFAULT_GOAL := build

.PHONY: help
help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: deps
deps: ## install what is missing on Debian and Ubuntu: a C compiler, PostgreSQL
	@scripts/install-deps.sh

.PHONY: build
build: ## bin/shardproxy and the other commands
	$(GO) build -o bin/ ./cmd/...

.PHONY: demo
demo: deps build ## three servers behind one DSN; ONCE=1 ends after the tour, PEERS=3 starts three proxies
	bin/shardproxy demo --engine $(ENGINE) --peers $(PEERS) $(if $(filter-out 0 no false,$(ONCE)),--once)

.PHONY: test
test: deps ## go vet, and all tests on real servers with the race detector
	$(GO) vet ./...
	$(GO) test -race -p $(TEST_P) -timeout 25m ./...

.PHONY: lint
lint: ## formatting and static checks; must say nothing
	@unformatted=$$($(GO) tool gofumpt -l .) || exit 1; \
	if [ -n "$$unformatted" ]; then \
		echo "not formatted, run $(GO) tool gofumpt -w:"; echo "$$unformatted"; exit 1; \
	fi
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) tool -modfile=tools/go.mod golangci-lint run ./...

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME
	GO=$(GO) scripts/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: ## benchmarks with allocations; BENCH selects by regular expression
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: bench-peer
bench-peer: ## the proxy beside PgBouncer, about a minute; PEER holds flags
	$(GO) run ./bench/peer -json out/bench-peer.json $(PEER)

.PHONY: clean
clean: ## remove what was built
	rm -rf bin out
