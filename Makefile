# The whole of the project's daily life. Every target sets up by itself what it lacks.

.PHONY: demo test check fix bless bench sim install setup

demo: setup   ## a group, a failover, a client that survives it
	@cargo run --package sentinelle --bin sentinelle -- demo

test: setup   ## every test; the last line counts them
	@tests/run.sh

check:        ## what a change must satisfy, changes nothing
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --package sentinelle --lib --no-default-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	cargo test --quiet --package sentinelle-tests --test tidy
	@for check in bindings-*/check.sh; do [ ! -x $$check ] || { echo $$check && $$check; } || exit 1; done

fix:          ## formats, and mends what the linter can mend
	cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged
	cargo fmt --all

bless:        ## writes what the tests see into their golden files; read the difference
	BLESS=1 cargo test --workspace

bench: setup  ## how long a failover takes, ours and the stock sentinels'
	cargo bench --package sentinelle-tests

SEEDS ?= 1000
sim:          ## storms in simulated time, one for each of SEEDS seeds
	SEEDS=$(SEEDS) cargo test --release --package sentinelle-tests --test simulation storms

PREFIX ?= /usr/local
install:      ## the C library, its headers and its pkg-config file, under PREFIX
	@bindings-c/install.sh $(PREFIX)

setup:
	@tests/setup.sh
