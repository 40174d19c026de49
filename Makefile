# The commands of the house. `make` alone lists them.

# every crate and app has a target test-<name>, from its directory
CRATES := $(sort $(notdir $(patsubst %/Cargo.toml,%,$(wildcard crates/*/Cargo.toml apps/*/Cargo.toml))))

# bounds of the parts of make soak: make soak PARTS=crash CYCLES=100 SEED=7
export CYCLES SEED

# more arguments for cargo: make test ARGS='--no-fail-fast'
ARGS ?=
# the parts of make soak: make soak PARTS='embedded-s3'
PARTS ?=

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help demo run run-scale test $(CRATES:%=test-%) soak bench lint doc deny semver dist fmt tools base

help: ## list these commands
	@printf '\nNexus raw storage\n\n'
	@awk -F ' *## *' '/^[a-z][a-z-]*:.*## / { sub(/:.*/, "", $$1); printf "  \033[1mmake %-9s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nThe tests of one crate alone\n\n'
	@printf '  make test-%s\n' $(CRATES)
	@printf '\n'

demo: base ## see a photograph go in, and a forged one refused
	@cargo build --locked -p nexus-raw-server -p nexus-raw-cli
	@tools/demo

run: base ## serve in embedded mode, with all data in .nexus-raw; builds the command too
	@cargo build --locked -p nexus-raw-server -p nexus-raw-cli
	@exec $${CARGO_TARGET_DIR:-target}/debug/nexus-raw-server --embedded --data-dir .nexus-raw

run-scale: tools ## serve from three replicas on PostgreSQL, SeaweedFS and NATS, to look at
	@cargo build --locked -p nexus-raw-server -p nexus-raw-cli
	@tools/run-scale

# Where tests write: into memory where that has room for the databases, since a disk has to write
# what they flush, and nothing outlives them. Of a process that is killed both keep the same.
IN_MEMORY := $(shell df --output=avail /dev/shm 2>/dev/null | awk 'NR > 1 && $$1 > 6000000 { print "TMPDIR=/dev/shm" }')

# Most tests wait for a server or an engine, so twice as many as there are cores run at once.
export RUST_TEST_THREADS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

# all features, since some tests stand behind one (a store that lies, mocks of the ports)
test: tools ## run every test of every crate
	@$(IN_MEMORY) cargo test --workspace --all-features --locked $(ARGS)

$(CRATES:%=test-%): test-%: tools
	@$(IN_MEMORY) cargo test --all-features --locked -p $* $(ARGS)

soak: tools ## run what takes too long for every change
	@tools/soak $(PARTS)

# bench targets alone: libraries have none, and their test harness does not know `--quick`
bench: tools ## measure the parts, requests against the floor, and uploads against rclone
	@tools/setup rclone fastapi
	@cargo bench --workspace --bench '*' --locked $(ARGS)

lint: base ## check format, clippy, documentation, architecture, dependencies, deploy/
	@cargo fmt --all --check
	@tools/embedding fmt --check
	@cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	@# which only `make soak` runs
	@cargo clippy --workspace --test houses --all-features --locked -- -D warnings
	@tools/embedding clippy --all-targets -- -D warnings
	@# what ships has none of the features that tests switch on
	@cargo check --workspace --locked
	@$(MAKE) doc
	@cargo test --locked -p nexus-raw-testkit --test architecture
	@$(MAKE) deny ARGS='--log-level error'
	@tools/setup deploy
	@tools/lint-deploy

doc: base ## build the documentation into target/doc
	@RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked

# Advisories are left out: their database is a git repository, which a closed network does not
# reach. Where it is reached, run `.tools/bin/cargo-deny check advisories` as well.
deny: base ## check licences, sources and bans of all dependencies
	@tools/setup deny
	@.tools/bin/cargo-deny --locked $(ARGS) check bans licenses sources

# Libraries only: an app has no public API. Each is named, since `--workspace` skips crates that are
# not published. BASE is the commit to compare with, and only crates that it has are compared.
BASE ?= HEAD~1
LIBRARIES = $(notdir $(filter $(patsubst %/Cargo.toml,%,$(wildcard crates/*/Cargo.toml)),$(shell git ls-tree --name-only $(BASE) crates/)))
semver: base ## compare the public API of the libraries with that of BASE
	@tools/setup semver
	@.tools/bin/cargo-semver-checks semver-checks $(LIBRARIES:%=-p %) --baseline-rev $(BASE) $(ARGS)

# Run it in two directories and compare SHA256SUMS to see that it is reproducible (docs/RELEASING.md).
dist: base ## build a release into target/dist: programs, pages, bills of materials, checksums
	@tools/setup sbom
	@cargo fetch --locked
	@tools/dist

fmt: ## format the code
	@cargo fmt --all
	@tools/embedding fmt

tools: base ## fetch the S3 servers and tools that the tests run with
	@tools/setup engines

base:
	@tools/setup base
